"""The module of a name, wherever below `providers` it lies."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType

import providers


@functools.cache
def module_named(name: str) -> ModuleType:
    """The one module of providers that has this name."""
    found = [
        one.name
        for one in pkgutil.walk_packages(providers.__path__, "providers.")
        if one.name.rpartition(".")[2] == name and not one.ispkg
    ]
    assert len(found) == 1, f"providers/: expected one module named {name}, found {found}"
    return importlib.import_module(found[0])
