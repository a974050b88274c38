"""Python's pickler, as it was before the SDK pickled a provider with it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PICKLER: Any = vars(pickle)["_Pickler"]


@contextmanager
def restored() -> Iterator[None]:
    """Describe a dynamic resource inside.

    For each, the SDK (3.272, `serialize_provider`) wraps the method that pickles dictionaries once more and
    leaves it so: from about 950 resources on that is deeper than Python's recursion limit.
    """
    before = _PICKLER._batch_setitems
    try:
        yield
    finally:
        _PICKLER._batch_setitems = before
