"""A snapshot as a file on this computer: whether it is whole, and its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from providers.core.errors import Refused

_PAGE, _DIGEST = 512, 32
"""`etcdctl snapshot save` puts a SHA-256 behind the database, whose size is a multiple of the page
(etcdutl/snapshot/v3_snapshot.go, hasChecksum)."""
_PIECE = 1 << 20


def verified(path: Path) -> str:
    """The SHA-256 of a whole snapshot, as hex digits; Refused when it is damaged or none."""
    whole, database, last = hashlib.sha256(), hashlib.sha256(), b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                whole.update(piece)
                held = last + piece
                database.update(held[:-_DIGEST])
                last = held[-_DIGEST:]
    except OSError as error:
        raise _refused(path, str(error.strerror)) from None
    if path.stat().st_size % _PAGE != _DIGEST or database.digest() != last:
        raise _refused(path, "a damaged file, or one that `etcdctl snapshot save` did not write")
    _compare(path, whole.hexdigest())
    return whole.hexdigest()


def _compare(path: Path, digest: str) -> None:
    beside = path.with_name(f"{path.name}.sha256")
    if beside.exists() and beside.read_text().split()[:1] != [digest]:
        raise _refused(path, f"another content than {beside} says")


def _refused(path: Path, found: str) -> Refused:
    return Refused(
        host="this computer",
        item=str(path),
        expected="a whole snapshot of etcd",
        found=found,
        next_step="take another one: ls -l /var/backups/etcd, on the control planes",
    )
