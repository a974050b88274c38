"""The kernel's command line: the words it runs with, and those of the file that it starts from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.core.host import Argv, Completed
from providers.facts.family import (
    ARMBIAN_ENV,
    GRUB,
    PHOTON_CFG,
    QUESTION,
    Family,
    all_of,
    family,
)
from providers.facts.family import parse as parse_system

DROP_IN = "/etc/default/grub.d/99-helicon.cfg"
KEYS: Mapping[str, str] = {
    ARMBIAN_ENV: "extraargs",
    PHOTON_CFG: "photon_cmdline",
    GRUB: "GRUB_CMDLINE_LINUX",
}
"""Where the words stand in a file; in those that are not named here the first line is all words."""
_BY_GRUB = "BOOT_IMAGE="
"""The word that GRUB puts in front of all."""

_FILES = 'for path; do [ ! -f "$path" ] || { echo "== $path"; cat "$path"; echo; }; done'
# What grub-mkconfig would read, as it would read it; then what it made the last time.
_GRUB = r"""
[ -e /etc/default/grub ] || exit 0
mkconfig=$(command -v grub-mkconfig || command -v grub2-mkconfig) &&
  grep -q default/grub.d "$mkconfig" && echo drop-in
(
  . /etc/default/grub
  for file in /etc/default/grub.d/*.cfg; do [ ! -e "$file" ] || . "$file"; done
  printf 'words %s %s\n' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"
) 2>/dev/null
for file in /boot/grub/grub.cfg /boot/grub2/grub.cfg; do
  [ ! -e "$file" ] || sed -n -E 's/^[[:space:]]*linux(efi|16)?[[:space:]]/made /p' "$file"
done | head -n 1
"""
QUESTIONS: tuple[Argv, ...] = (
    QUESTION,
    ("cat", "/proc/cmdline"),
    ("sh", "-c", _FILES, "files", *all_of(lambda one: one.command_lines), DROP_IN),
    ("sh", "-c", _GRUB, "grub"),
)


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """The words of the running kernel, and what the next one will be given."""

    family: Family | None
    running: tuple[str, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    """The files that are there."""
    grub: Mapping[str, str] = field(default_factory=dict)
    """What GRUB's configuration comes to (`words`), what was made of it (`made`), and if it has a `drop-in`."""

    @property
    def path(self) -> str | None:
        """The file that the machine starts from; None where none is found."""
        known = self.family.command_lines if self.family else ()
        there = [path for path in known if self._is_one(path)]
        by_grub = any(word.startswith(_BY_GRUB) for word in self.running)
        return GRUB if by_grub and GRUB in there else next(iter(there), None)

    @property
    def by_drop_in(self) -> bool:
        """Whether GRUB reads a file of our own."""
        return self.path == GRUB and "drop-in" in self.grub

    @property
    def words(self) -> list[str]:
        """The words of the file, or those that GRUB's files come to."""
        if self.path is None:
            return []
        return self.grub.get("words", "").split() if self.path == GRUB else words(self.text, self.key)

    @property
    def text(self) -> str:
        """The content of the file."""
        return self.texts.get(self.path or "", "")

    @property
    def key(self) -> str:
        """Where in the file the words stand; empty: they are its first line."""
        return KEYS.get(self.path or "", "")

    def kept(self, word: str, *, wanted: bool) -> bool:
        """Whether the next start has the word; in doubt, for GRUB may not have been run, not as wanted."""
        made = self.grub.get("made", "").split() if self.path == GRUB and "made" in self.grub else None
        layers = [self.words] if made is None else [self.words, made]
        return all(word in one for one in layers) if wanted else any(word in one for one in layers)

    def _is_one(self, path: str) -> bool:
        # Bookworm leaves a note to the reader at /boot/cmdline.txt, where the words were before.
        return path in self.texts and (path in KEYS or "root=" in self.texts[path])


def parse(answers: Sequence[Completed]) -> CommandLine:
    """The answers to QUESTIONS."""
    system, running, files, grub = answers
    return CommandLine(
        family=family(parse_system(system.text)),
        running=tuple(running.text.split()),
        texts=_sections(files.stdout.decode("utf-8", "surrogateescape")),
        grub={name: rest for name, _, rest in (line.partition(" ") for line in grub.text.splitlines())},
    )


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^== (/.*)\n", text, flags=re.MULTILINE)[1:]
    return {path: body.removesuffix("\n") for path, body in zip(parts[::2], parts[1::2], strict=True)}


def words(text: str, key: str) -> list[str]:
    """The words in a file's text: of its first line, or of the last line with the key."""
    start, end = span(text, key) or (0, 0)
    return text[start:end].split()


def span(text: str, key: str) -> tuple[int, int] | None:
    """Where the words stand in a text; None where there is no line with the key."""
    pattern = rf"""^{key}=(["']?)(?P<words>.*?)\1[ \t\r]*$""" if key else r"\A(?P<words>.*?)\r?$"
    found = list(re.finditer(pattern, text, re.MULTILINE))
    return found[-1].span("words") if found else None
