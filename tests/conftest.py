"""Machines for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_host import LocalHost, throwaway


@pytest.fixture
def local_host() -> Iterator[LocalHost]:
    """A throwaway machine of its own for each test."""
    with throwaway() as host:
        yield host
