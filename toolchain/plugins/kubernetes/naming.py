"""Names that the plugin gives: resources without a name, field managers, identifiers in the state."""

from __future__ import annotations

import hashlib
import secrets
import struct

_LETTERS = "0123456789abcdef"
_SUFFIX = 8
_ROUNDS = 8
_MASK = 0xFFFFFFFF


def unique(seed: bytes, prefix: str) -> str:
    """Return `prefix` and eight hexadecimal digits; the same seed gives the digits that the official plugin
    gives.

    It draws 64-bit numbers from the ChaCha8 generator of Go's math/rand/v2 (https://c2sp.org/chacha8rand),
    keyed with the SHA-256 of the seed. That generator interleaves four blocks, so the low halves of its
    first eight numbers, all that a hexadecimal digit needs, are the first four words of blocks 0 and 2,
    taken in turn.
    """
    if not seed:
        return prefix + secrets.token_hex(_SUFFIX // 2)
    key = hashlib.sha256(seed).digest()
    pairs = zip(_first_words(key, 0), _first_words(key, 2), strict=True)
    return prefix + "".join(_LETTERS[word % len(_LETTERS)] for pair in pairs for word in pair)


def _first_words(key: bytes, counter: int) -> list[int]:
    """Return the first four words of a ChaCha8 block; this generator adds only the key's words at the end."""
    state = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), counter, 0, 0, 0]
    for _ in range(_ROUNDS // 2):
        for column in range(4):
            _quarter(state, column, column + 4, column + 8, column + 12)
        for column in range(4):
            _quarter(state, column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12)
    return state[: _SUFFIX // 2]


def _quarter(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for into, add, mix, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[into] = (state[into] + state[add]) & _MASK
        word = state[mix] ^ state[into]
        state[mix] = ((word << turn) | (word >> (32 - turn))) & _MASK


def identifier(namespace: str, name: str) -> str:
    """Return the resource's identifier in the state: `namespace/name`, or `name` where there is no
    namespace."""
    return f"{namespace}/{name}" if namespace else name


def split_identifier(text: str) -> tuple[str, str]:
    """Return the namespace (may be empty) and the name of an identifier."""
    namespace, _, name = text.rpartition("/")
    return namespace, name
