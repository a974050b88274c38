"""Configuration files that everyone may read."""

from __future__ import annotations

from providers.core.files_on_host import place
from providers.core.thing import Site


def put(site: Site, path: str, text: str) -> None:
    """Write a file of root's with mode 0644, in one step."""
    place(site, path, text, "0644", "root", "root")
