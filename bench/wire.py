"""What goes over the wire: a proxy before each machine that counts connections, turns and bytes.

A turn is a change of direction from the machine back to us: the client spoke, the machine answered,
the client speaks again. Turns are what latency is paid for, whatever the protocol inside is, the
handshake included. A run through the proxy is never a run whose time counts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bench.target import Target

_PIECE = 65536


@dataclass
class Traffic:
    """One machine's: connections, turns, bytes to it and from it."""

    connections: int = 0
    turns: int = 0
    sent: int = 0
    received: int = 0


class Proxy:
    """Proxies of loopback in front of all machines of a fleet."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.traffic = {one.name: Traffic() for one in targets}
        self.targets: list[Target] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        for one in targets:
            self.targets.append(self._do(self._serve(one)))

    def _do(self, work: Coroutine[None, None, Target]) -> Target:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End them."""
        for server in self._servers:
            self._loop.call_soon_threadsafe(server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def clear(self) -> None:
        """Count from zero again."""
        for name in self.traffic:
            self.traffic[name] = Traffic()

    async def _serve(self, target: Target) -> Target:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _Pair(self.traffic[target.name]).carry(target, reader, writer)

        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        self._servers.append(server)
        return replace(target, address="127.0.0.1", port=int(server.sockets[0].getsockname()[1]))


class _Pair:
    """One connection through a proxy."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._machine_spoke = True

    async def carry(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions until either ends."""
        self._traffic.connections += 1
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(target.address, target.port)
            await asyncio.gather(self._to(reader, far_writer), self._from(far_reader, writer))

    async def _to(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                self._traffic.sent += len(data)
                if self._machine_spoke:
                    self._traffic.turns += 1
                    self._machine_spoke = False
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _from(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                self._traffic.received += len(data)
                self._machine_spoke = True
                writer.write(data)
                await writer.drain()
        writer.close()
