"""Single words put into, and taken out of, the text that holds a kernel's command line; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from providers.facts.command_line import span, words

_DROP_IN = """\
# Words that helicon adds to the kernel's command line, and takes from it.
helicon_add="{add}"
helicon_drop="{drop}"
helicon_left() {{ for one in $1; do case " $helicon_drop " in *" $one "*) ;; *) printf '%s ' "$one" ;; esac; done; }}
GRUB_CMDLINE_LINUX="$(helicon_left "$GRUB_CMDLINE_LINUX")$helicon_add"
GRUB_CMDLINE_LINUX_DEFAULT="$(helicon_left "$GRUB_CMDLINE_LINUX_DEFAULT")"
"""


def has_line(text: str, key: str) -> bool:
    """Whether there is a line for the words; one without a key is always there."""
    return span(text, key) is not None


def add(text: str, key: str, word: str, at: int | None = None) -> str:
    """The text with the word, last or before the word that is now at this place; as it is where it has it."""
    if not has_line(text, key):
        line = f"{key}={word}"
        return f"{text}{line}\n" if text.endswith("\n") or not text else f"{text}\n{line}"
    if word in words(text, key):
        return text
    start, end = span(text, key) or (0, 0)
    starts = [start + one.start() for one in re.finditer(r"\S+", text[start:end])]
    if at is not None and at < len(starts):
        return f"{text[: starts[at]]}{word} {text[starts[at] :]}"
    return text[:end] + (" " if starts else "") + word + text[end:]


def take(text: str, key: str, word: str) -> str:
    """The text without the word, the others untouched."""
    start, end = span(text, key) or (0, 0)
    one = re.escape(word)
    left = re.sub(rf"(?:^{one}(?:[ \t]|$)|[ \t]{one}(?=[ \t]|$))", "", text[start:end])
    return text[:start] + left + text[end:]


def without_empty_line(text: str, key: str) -> str:
    """The text without a line that holds the key and nothing else."""
    return re.sub(rf"^{key}=\n|\n{key}=\Z", "", text, count=1, flags=re.MULTILINE)


def drop_in(added: Sequence[str], dropped: Sequence[str]) -> str:
    """Our own file of GRUB's."""
    return _DROP_IN.format(add=" ".join(added), drop=" ".join(dropped))


def parse_drop_in(text: str) -> tuple[list[str], list[str]]:
    """The words that it adds, and those that it takes away."""
    return words(text, "helicon_add"), words(text, "helicon_drop")
