"""Large files: read in pieces, received beside the target, moved into place when the sum is right."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from pathlib import Path

from providers.core.host import Argv

PIECE = 1024 * 1024
"""Bytes read at once; what is held in memory for each upload."""
NEW = ".helicon-new"
"""What a file that is not whole yet is called, behind its name."""

_RECEIVE = f"""
set -eu; umask 077; new=$1{NEW}
trap 'rm -f -- "$new"' EXIT; trap 'exit 143' HUP INT TERM
cat > "$new"
found=$(sha256sum < "$new"); found=${{found%% *}}
if [ "$found" != "$2" ]; then echo "expected sha256 $2, received $found" >&2; exit 3; fi
chown 0:0 "$new"; chmod "$3" "$new"; sync "$new"; mv -T -- "$new" "$1"
"""


def receive(target: str, sha256: str, mode: int) -> Argv:
    """The command that takes the file from its input."""
    return ("sh", "-c", _RECEIVE, "upload", target, sha256, f"{mode:04o}")


def sha256_of(source: Path) -> str:
    """The sum of a local file; several machines that get the same file cost one reading."""
    about = source.stat()
    return _sha256(str(source), about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=256)
def _sha256(path: str, _changed: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def pieces(parts: Sequence[bytes | Path]) -> AsyncIterator[bytes]:
    """Parts one after the other; local files in pieces, read beside the event loop."""
    for part in parts:
        if isinstance(part, bytes):
            yield part
            continue
        file = await asyncio.to_thread(part.open, "rb")
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
