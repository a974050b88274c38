"""The one thread with an event loop, on which all connections of this process live."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_HELPERS = 32


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    # Names and files are read on these; a name server that hangs must not hold up the other machines.
    loop.set_default_executor(ThreadPoolExecutor(_HELPERS, thread_name_prefix="helicon-ssh"))
    # A daemon, so that a process that is done does not wait for connections.
    threading.Thread(target=loop.run_forever, name="helicon-ssh", daemon=True).start()
    return loop


_starting = threading.Lock()


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop's thread and wait for it, from any other thread."""
    with _starting:
        loop = _loop()
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except BaseException:
        # An interrupt in the waiting thread must end the remote work too.
        future.cancel()
        raise
