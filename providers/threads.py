"""How many operations of the engine the provider's process does at once."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

WORKERS = 256
"""Threads of the provider process: one for each operation that the engine may run at once."""
_POOL_PARTS = ("_max_workers", "_work_queue", "_adjust_thread_count")


def widen_thread_pool(workers: int = WORKERS) -> bool:
    """Lift the SDK's limit of 4 operations at once; False when this SDK keeps its pool elsewhere.

    The SDK makes its pool before it loads a provider and offers no way to size it
    (`pulumi/dynamic/__main__.py`). A pool starts a thread, up to `_max_workers`, only when work
    arrives, so threads for what waits already are started here.
    """
    pools = [one for one in gc.get_objects() if isinstance(one, ThreadPoolExecutor)]
    known = [one for one in pools if all(hasattr(one, name) for name in _POOL_PARTS)]
    for pool in known:
        pool._max_workers = max(pool._max_workers, workers)
        for _ in range(pool._work_queue.qsize()):
            pool._adjust_thread_count()
    return bool(known)
