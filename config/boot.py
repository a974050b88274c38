"""How a machine starts: its kernel's command line, and what containers need of the kernel."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from config.base import Part
from config.scalars import wrong

_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.,:/@%+~=-]*"


def _word(value: str) -> str:
    if not re.fullmatch(_WORD, value):
        suggestion = "Write each word by itself, for example audit=0 or cgroup_enable=memory."
        raise wrong("one word of a kernel command line", suggestion)
    return value


KernelWord = Annotated[
    str,
    AfterValidator(_word),
    WithJsonSchema({"type": "string", "pattern": f"^{_WORD}$", "examples": ["audit=0"]}),
]


class Boot(Part):
    """The kernel's command line, in whichever file the machine's system has it."""

    present: tuple[KernelWord, ...] = ()
    """Words that it has."""
    absent: tuple[KernelWord, ...] = ()
    """Words that it does not have."""
    memory_cgroup: bool = True
    """Whether a node whose kernel has the memory controller off gets it turned on; others are left alone."""
    reboot: bool = True
    """Whether a machine is restarted for a word that its running kernel lacks; control planes one by one."""
