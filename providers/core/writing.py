"""Configuration files that everyone may read."""

from __future__ import annotations

from collections.abc import Mapping

from providers.core.files_on_host import Placed, place
from providers.core.thing import Site


def put(site: Site, path: str, text: str) -> None:
    """Write a file of root's with mode 0644, in one step."""
    put_all(site, {path: text})


def put_all(site: Site, texts: Mapping[str, str]) -> None:
    """Write several of them at once, by path."""
    place(site, {path: Placed(content=text) for path, text in texts.items()})
