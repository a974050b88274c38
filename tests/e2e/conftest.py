"""A simulated rack of its own for the end-to-end test, beside the one of `make lab`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.rack import TestRack


@pytest.fixture(scope="session")
def rack() -> Iterator[TestRack]:
    """Fresh boards; they go when the tests are through."""
    made = TestRack()
    made.begin()
    yield made
    made.end()
