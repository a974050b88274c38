"""The file with the kernel's command line, changed word by word and, for GRUB, made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.core.causes import check
from providers.core.errors import Refused
from providers.core.files_on_host import rewrite
from providers.core.thing import Site
from providers.core.writing import put
from providers.facts.command_line import DROP_IN, CommandLine
from providers.facts.family import GRUB
from providers.system import kernel_words

LINE = "+line"
"""The journal's entry for a line that was not there; no word begins so."""
_WAS_NOT = "absent"
_UPDATE = """
if command -v update-grub >/dev/null; then exec update-grub; fi
for made in /boot/grub2/grub.cfg /boot/grub/grub.cfg; do
  [ ! -e "$made" ] || exec "$(command -v grub2-mkconfig || command -v grub-mkconfig)" -o "$made"
done
echo "no update-grub, and no grub.cfg" >&2; exit 1
"""
_UPDATE_SECONDS = 300
"""os-prober looks at every disk."""


def write(site: Site, thing: str, line: CommandLine, wanted: Mapping[str, bool]) -> bool:
    """Bring the words into the file (True), or out of it; whether there was something to do."""
    amiss = {word: add for word, add in wanted.items() if line.kept(word, wanted=add) != add}
    if not amiss:
        return False
    if line.path is None:
        raise _no_file(site, line)
    there = line.words
    # a word may be there already, and GRUB was not run since
    left = {word: add for word, add in amiss.items() if (word in there) != add}
    before = {word: _WAS_NOT if add else str(there.index(word)) for word, add in left.items()}
    if not line.by_drop_in and not kernel_words.has_line(line.text, line.key):
        before[LINE] = _WAS_NOT
    site.journal.remember(thing, before)
    if line.by_drop_in:
        _into_drop_in(site, line, left)
    else:
        _into_line(site, line, left)
    _update(site, line)
    return True


def give_back(
    site: Site, line: CommandLine, before: Mapping[str, str], *, last: bool, drop_line: bool
) -> None:
    """The words as the journal has them; with `last` nothing of ours stays, with `drop_line` no empty line."""
    if line.path is None:
        site.say("boot: the file with the kernel's command line is gone, so nothing is given back to it")
        return
    if line.by_drop_in:
        _drop_in_back(site, line, before, last=last)
    else:
        text = line.text
        for word, was in sorted(before.items(), key=lambda one: (len(one[1]), one[1])):
            if was == _WAS_NOT:
                text = kernel_words.take(text, line.key, word)
            else:
                text = kernel_words.add(text, line.key, word, int(was))
        text = kernel_words.without_empty_line(text, line.key) if drop_line else text
        if text != line.text:
            rewrite(site, line.path, text)
    _update(site, line)


def _into_line(site: Site, line: CommandLine, words: Mapping[str, bool]) -> None:
    text = line.text
    for word, add in words.items():
        text = (kernel_words.add if add else kernel_words.take)(text, line.key, word)
    if text != line.text:
        rewrite(site, line.path or "", text)


def _into_drop_in(site: Site, line: CommandLine, words: Mapping[str, bool]) -> None:
    added, dropped = kernel_words.parse_drop_in(line.texts.get(DROP_IN, ""))
    plus = [word for word, add in words.items() if add and word not in dropped]
    less = [word for word, add in words.items() if not add and word not in added]
    _put_drop_in(site, line, _only(added, words, keep=True) + plus, _only(dropped, words, keep=False) + less)


def _only(ours: Sequence[str], words: Mapping[str, bool], *, keep: bool) -> list[str]:
    return [word for word in ours if words.get(word, keep) == keep]


def _put_drop_in(site: Site, line: CommandLine, added: Sequence[str], dropped: Sequence[str]) -> None:
    text = kernel_words.drop_in(added, dropped)
    if text != line.texts.get(DROP_IN):
        site.journal.keep_files([DROP_IN])
        put(site, DROP_IN, text)


def _drop_in_back(site: Site, line: CommandLine, before: Mapping[str, str], *, last: bool) -> None:
    if last:
        site.journal.restore_files([DROP_IN])
        return
    added, dropped = kernel_words.parse_drop_in(line.texts.get(DROP_IN, ""))
    left = [[word for word in words if word not in before] for words in (added, dropped)]
    _put_drop_in(site, line, *left)


def _update(site: Site, line: CommandLine) -> None:
    if line.path == GRUB:
        argv = ["sh", "-c", _UPDATE, "update"]
        check(site.host, "GRUB's menu (grub.cfg)", site.host.run(argv, timeout=_UPDATE_SECONDS, check=False))


def _no_file(site: Site, line: CommandLine) -> Refused:
    family = line.family
    places = ", ".join(family.command_lines) if family else "of no known family (see /etc/os-release)"
    return Refused(
        host=str(site.host),
        item="kernel command line",
        expected=f"the file of {family.name}: {places}" if family else "a system whose boot loader is known",
        found="none of them (is /boot mounted?)" if family else f"one {places}",
        next_step="findmnt /boot /boot/firmware (on the machine), or take `boot` out of the stack file",
    )
