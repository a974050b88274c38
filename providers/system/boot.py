"""Words of the kernel's command line, the memory controller that containers need, and the restart they take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote

from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.journal import JOURNAL, ROOT
from providers.core.thing import Change, Json, Site, Thing
from providers.core.writing import put
from providers.facts.command_line import QUESTIONS, CommandLine, parse
from providers.system.boot_files import LINE, give_back, write
from providers.system.restart import restart

MEMORY = "memory_cgroup"
ON, OFF, ON_NOW = "on", "off", "on (off at the next start)"
PRESENT, ABSENT = "present", "absent"
MEMORY_WORDS: Mapping[str, bool] = {
    "cgroup_enable=cpuset": True,
    "cgroup_enable=memory": True,
    "cgroup_memory=1": True,
    "cgroup_disable=memory": False,
}
"""What turns the memory controller on, for kernels old and new, where firmware or distribution has it
off; the last of several such words counts, so they stand at the end."""
_BOTH = re.compile(r"(\w+) \(running: (\w+)\)")
_VAIN = f"{ROOT}/restart-in-vain"
"""The words that a restart did not bring: there is no second one for them."""

_CGROUPS = "cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null || cat /proc/cgroups"
_CONTROLLERS: Argv = ("sh", "-c", _CGROUPS, "cgroups")
_OURS: Argv = ("ls", "-1", f"{JOURNAL}/boot")
_ASK: tuple[Argv, ...] = (*QUESTIONS, _CONTROLLERS, _OURS)


@dataclass(frozen=True, kw_only=True)
class BootState:
    """How each word is, the memory controller (None: not managed), and whether a restart is allowed."""

    words: dict[str, str] = field(default_factory=dict)
    memory: str | None = None
    reboot: bool = True


class Boot(Thing[BootState]):
    """A word is PRESENT or ABSENT, at the next start and now; where the memory controller is on, it stays so."""

    name = "boot"

    def parse(self, value: Json) -> BootState:
        """From {"words": {"audit=0": "present"}, "memory_cgroup": "on", "reboot": true}."""
        given = cast(dict[str, Json], value)
        found = cast(dict[str, str], given.get("words", {}))
        memory = given.get(MEMORY)
        return BootState(
            words=dict(found),
            memory=None if memory is None else str(memory),
            reboot=bool(given.get("reboot", True)),
        )

    def render(self, state: BootState) -> Json:
        """To the same."""
        bag: dict[str, Json] = {"reboot": state.reboot}
        if state.words:
            bag["words"] = dict(cast(dict[str, Json], state.words))
        return bag if state.memory is None else {**bag, MEMORY: state.memory}

    def questions(self, managed: BootState) -> Sequence[Argv]:
        """The family, both command lines, the controllers, and which words are ours."""
        return list(_ASK)

    def observe(self, site: Site, managed: BootState) -> BootState:
        """The managed words, in the file and in the running kernel, and the memory controller."""
        line = _look(site)
        memory = None if managed.memory is None else _memory(site, line)
        words = {word: _how(line, word, how == PRESENT) for word, how in managed.words.items()}
        return BootState(words=words, memory=memory, reboot=managed.reboot)

    def plan(self, current: BootState, desired: BootState) -> list[Change]:
        """One change for each word that is not as wanted; without restarts only the next start counts."""
        changes = [
            Change(field=word, was=current.words.get(word), now=how)
            for word, how in sorted(desired.words.items())
            if not _fine(current.words.get(word, ""), how, now=desired.reboot)
        ]
        if desired.memory is not None and current.memory != desired.memory:
            changes.append(Change(field=MEMORY, was=current.memory, now=desired.memory))
        return changes

    def apply(self, site: Site, changes: Sequence[Change], desired: BootState) -> None:
        """Write the words, restart for those that the running kernel lacks, and see that it helped."""
        line = _look(site)
        named = [change.field for change in changes]
        wanted = {word: how == PRESENT for word, how in desired.words.items() if word in named}
        missing: list[str] = []
        if MEMORY in named:
            wanted = {**_memory_words(line), **wanted}
            off = not memory_on(_controllers(site))
            missing = [word for word, add in MEMORY_WORDS.items() if off and add and word not in line.running]
        wrote = write(site, self.name, line, wanted)
        pending = {
            *missing,
            *(word for word in named if word != MEMORY and (word in line.running) != wanted[word]),
        }
        if pending and desired.reboot:
            _restart(site, sorted(pending), wrote=wrote)
        elif pending:
            site.say(f"boot: {', '.join(sorted(pending))}: from the next start of the machine")
        if MEMORY in named:
            _verify_memory(site, pending=bool(pending) and not desired.reboot)

    def remove(self, site: Site, managed: BootState) -> None:
        """The words as they were, each by itself; the running kernel stays as it is."""
        entries = site.journal.entries(self.name)
        keys = {*managed.words, *(MEMORY_WORDS if managed.memory is not None else ())}
        back = {word: was for word, was in entries.items() if word in keys}
        if not back:
            return
        last = not set(entries) - set(back) - {LINE}
        give_back(site, _look(site), back, last=last, drop_line=last and LINE in entries)
        site.host.run(["rm", "-f", _VAIN])
        site.journal.forget(self.name, [*back, LINE] if last else back)
        site.say(f"boot: {', '.join(sorted(back))}: given back, from the next start of the machine")

    def minus(self, old: BootState, new: BootState) -> BootState | None:
        """The words that are no longer listed, and the memory controller that is no longer managed."""
        words = {word: how for word, how in old.words.items() if word not in new.words}
        memory = old.memory if new.memory is None else None
        return BootState(words=words, memory=memory, reboot=old.reboot) if words or memory else None


def memory_on(controllers: str) -> bool:
    """From cgroup v2's list of controllers, or v1's table (its fourth column says "enabled")."""
    if controllers.startswith("#"):
        rows = [line.split() for line in controllers.splitlines()]
        return any(row[0] == "memory" and row[-1] == "1" for row in rows if row)
    return "memory" in controllers.split()


def _look(site: Site) -> CommandLine:
    return parse(site.host.ask(_ASK)[: len(QUESTIONS)])


def _controllers(site: Site) -> str:
    return site.host.ask(_ASK)[-2].text


def _memory(site: Site, line: CommandLine) -> str:
    if not memory_on(_controllers(site)):
        return OFF
    ours = {unquote(name) for name in site.host.ask(_ASK)[-1].text.split()}
    lost = [word for word, add in MEMORY_WORDS.items() if word in ours and line.kept(word, wanted=add) != add]
    return ON_NOW if lost else ON


def _memory_words(line: CommandLine) -> dict[str, bool]:
    # what is not in a file needs no removal: the firmware's own word is overruled by ours
    return {word: add for word, add in MEMORY_WORDS.items() if add or line.kept(word, wanted=False)}


def _how(line: CommandLine, word: str, wanted: bool) -> str:
    kept = PRESENT if line.kept(word, wanted=wanted) else ABSENT
    running = PRESENT if word in line.running else ABSENT
    return kept if kept == running else f"{kept} (running: {running})"


def _fine(current: str, wanted: str, *, now: bool) -> bool:
    both = _BOTH.fullmatch(current)
    return current == wanted or (not now and both is not None and both.group(1) == wanted)


def _restart(site: Site, pending: Sequence[str], *, wrote: bool) -> None:
    """Restart for the words that the kernel lacks or has too many, once: what that does not mend, a second won't."""
    (vain,) = site.host.ask([("cat", _VAIN)])
    if not wrote and set(pending) <= set(vain.text.split()):
        raise _in_vain(site, pending)
    was = _look(site).running
    restart(site)
    now = _look(site).running
    left = [word for word in pending if (word in now) == (word in was)]
    if left:
        put(site, _VAIN, " ".join(left) + "\n")
        raise _in_vain(site, left)
    if vain.ok:
        site.host.run(["rm", "-f", _VAIN])


def _in_vain(site: Site, pending: Sequence[str]) -> HostError:
    line = _look(site)
    return HostError(
        host=str(site.host),
        item=f"kernel command line: {', '.join(pending)}",
        expected=f"what {line.path} says, after a restart",
        found=" ".join(line.running),
        next_step="see which file the machine starts from, correct it, systemctl reboot, then pulumi up again",
    )


def _verify_memory(site: Site, *, pending: bool) -> None:
    found = _controllers(site)
    if memory_on(found):
        return
    version = (
        "cgroup v1, whose memory controller is not enabled" if found.startswith("#") else "cgroup v2 with"
    )
    names = "" if found.startswith("#") else f" {found or 'no controllers'}"
    cure = "see `zcat /proc/config.gz | grep CONFIG_MEMCG` and its command line: cat /proc/cmdline"
    raise HostError(
        host=str(site.host),
        item="memory controller (cgroup)",
        expected="on, since a kubelet does not start without it",
        found=f"{version}{names}",
        next_step="systemctl reboot (on the machine; boot.reboot is false), then pulumi up"
        if pending
        else cure,
    )
