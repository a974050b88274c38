"""The artifacts that boards install from where the internet is out of reach: how they are built and kept."""
