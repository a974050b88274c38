"""A provider's process and the engine that started it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

PROVIDER = """
import sys, time
from providers.engine_log import end_with_engine
end_with_engine(sys.argv[1])
time.sleep(60)
"""


@pytest.mark.slow
def test_a_provider_ends_with_its_engine() -> None:
    """Not while someone listens at the engine's address, but soon after nobody does."""
    with socket.create_server(("127.0.0.1", 0)) as engine:
        address = f"127.0.0.1:{engine.getsockname()[1]}"
        process = subprocess.Popen([sys.executable, "-c", PROVIDER, address])
        engine.settimeout(30)
        for _ in range(2):
            engine.accept()[0].close()
        assert process.poll() is None
    try:
        assert process.wait(timeout=30) == 1
    finally:
        process.kill()
