"""Provider plugins of our own, for machines that cannot download the official ones."""
