"""Kubernetes quantities (`500m`, `64Mi`, `1e3`) in the form that the API server gives them back."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil

_TEXT = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d+)$")
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
_EXPONENTS = {suffix: exponent for exponent, suffix in _DECIMAL.items()}
_NANO = 10**9


def canonical(text: str) -> str:
    """Return the canonical form of a quantity; text that is none is returned as it is (the API server
    refuses it)."""
    found = _TEXT.match(text.strip())
    if found is None:
        return text
    number, suffix = Fraction(found[1]), found[2]
    if suffix in _BINARY[1:]:
        return _binary(_rounded(number * 1024 ** _BINARY.index(suffix)))
    if suffix in _EXPONENTS:
        return _decimal(_rounded(number * Fraction(10) ** _EXPONENTS[suffix]), _DECIMAL)
    return _decimal(_rounded(number * Fraction(10) ** int(suffix[1:])), {})


def _rounded(value: Fraction) -> Fraction:
    """Return the value rounded away from zero to a multiple of one nano, the finest that a quantity holds."""
    size = Fraction(ceil(abs(value) * _NANO), _NANO)
    return -size if value < 0 else size


def _binary(value: Fraction) -> str:
    """Return the value with a power of 1024; small ones and fractions are shown as decimals, as the server
    does."""
    if abs(value) < 1024 or value.denominator != 1:
        return _decimal(value, _DECIMAL)
    whole, power = int(value), 0
    while whole % 1024 == 0 and power < len(_BINARY) - 1:
        whole, power = whole // 1024, power + 1
    return f"{whole}{_BINARY[power]}"


def _decimal(value: Fraction, suffixes: dict[int, str]) -> str:
    """Return the value with the greatest power of 1000 that leaves it whole; without `suffixes` as an
    exponent."""
    if value == 0:
        return "0"
    exponent = -9
    whole = int(value * _NANO)
    while whole % 1000 == 0 and exponent < 18:
        whole, exponent = whole // 1000, exponent + 3
    return f"{whole}{suffixes.get(exponent, f'e{exponent}') if exponent else ''}"
