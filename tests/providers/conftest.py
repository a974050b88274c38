"""Connections, for whatever goes to machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.ssh.pool import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Connections that end with the test."""
    pool = Pool()
    yield pool
    pool.close()
