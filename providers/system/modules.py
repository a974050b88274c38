"""Kernel modules: loaded now, and at every start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.thing import Change, Json, Site, Thing, differences
from providers.core.writing import put

FILE = "/etc/modules-load.d/helicon.conf"
LOADED = "loaded"
_NOW, _LATER = "not loaded", "not loaded at start"
_CONDITION = re.compile(r"(.*?) \((.*)\)")
_READ: Argv = ("cat", FILE)

# A module may be built in without a trace in /sys/module, and a container may lack /lib/modules:
# what it brings is then the evidence.
_LOADED = r"""
read -r release </proc/sys/kernel/osrelease
builtin=/lib/modules/$release/modules.builtin
for module; do
  case $module in *-*) name=$(printf %s "$module" | tr - _) ;; *) name=$module ;; esac
  if [ -d "/sys/module/$name" ] || { [ "$name" = br_netfilter ] && [ -d /proc/sys/net/bridge ]; } ||
    grep -qw "$name" /proc/filesystems ||
    { [ -e "$builtin" ] && tr - _ < "$builtin" | grep -q "/$name\.ko"; }
  then echo "$module"; fi
done
exit 0
"""


@dataclass(frozen=True, kw_only=True)
class ModulesState:
    """How each module is: LOADED (now and at every start), or what is amiss."""

    modules: dict[str, str] = field(default_factory=dict)


class Modules(Thing[ModulesState]):
    """Modules by name; one that is built into the kernel counts as loaded."""

    name = "modules"

    def parse(self, value: Json) -> ModulesState:
        """From ["overlay", "br_netfilter (not loaded)"]."""
        return ModulesState(modules=dict(_condition(one) for one in cast(list[str], value)))

    def render(self, state: ModulesState) -> Json:
        """To the same."""
        return [name if how == LOADED else f"{name} ({how})" for name, how in state.modules.items()]

    def questions(self, managed: ModulesState) -> Sequence[Argv]:
        """Our file, and which of them the kernel has."""
        return [_READ, ("sh", "-c", _LOADED, "loaded", *sorted(managed.modules))]

    def observe(self, site: Site, managed: ModulesState) -> ModulesState:
        """How the managed modules are."""
        file, loaded = site.host.ask(self.questions(managed))
        return ModulesState(
            modules={
                name: _how(name in loaded.text.split(), name in parse(file.text)) for name in managed.modules
            }
        )

    def plan(self, current: ModulesState, desired: ModulesState) -> list[Change]:
        """One change for each module that is not as wanted."""
        return differences(current.modules, desired.modules)

    def apply(self, site: Site, changes: Sequence[Change], desired: ModulesState) -> None:
        """Load what is not loaded, then write the file."""
        (loaded,) = site.host.ask(self.questions(desired)[1:])
        missing = [change.field for change in changes if change.field not in loaded.text.split()]
        before = {name: _NOW if name in missing else LOADED for name in desired.modules}
        site.journal.remember(self.name, before, files=[FILE])
        for module in missing:
            _load(site, module)
        (file,) = site.host.ask([_READ])
        if any(module not in parse(file.text) for module in desired.modules):
            put(site, FILE, "".join(f"{module}\n" for module in desired.modules))

    def remove(self, site: Site, managed: ModulesState) -> None:
        """Out of the file; unloaded where we loaded it and nothing uses it."""
        (file,) = site.host.ask([_READ])
        left = [module for module in parse(file.text) if module not in managed.modules]
        before = site.journal.recall(self.name, managed.modules)
        if not left:
            site.journal.restore_files([FILE])
        elif set(parse(file.text)) != set(left):
            put(site, FILE, "".join(f"{module}\n" for module in left))
        for module in reversed([name for name in managed.modules if before.get(name) == _NOW]):
            if not site.host.run(["modprobe", "-r", module], check=False).ok:
                site.say(f"modules: {module} is in use and stays loaded until the next start")
        site.journal.forget(self.name, before)

    def minus(self, old: ModulesState, new: ModulesState) -> ModulesState | None:
        """The modules that are no longer listed."""
        gone = {name: how for name, how in old.modules.items() if name not in new.modules}
        return ModulesState(modules=gone) if gone else None


def parse(text: str) -> list[str]:
    """The modules that a modules-load.d(5) file names."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and line[0] not in "#;"]


def _condition(text: str) -> tuple[str, str]:
    both = _CONDITION.fullmatch(text)
    return (both.group(1), both.group(2)) if both else (text, LOADED)


def _how(now: bool, later: bool) -> str:
    amiss = [text for text, fine in ((_NOW, now), (_LATER, later)) if not fine]
    return " and ".join(amiss) or LOADED


def _load(site: Site, module: str) -> None:
    done = site.host.run(["modprobe", "--", module], check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item=f"kernel module {module}",
            expected="loadable or built in",
            found=done.stderr.decode("utf-8", "replace").strip() or f"modprobe ended with {done.exit_status}",
            next_step=f"modinfo {module} on the machine; after an upgrade of its kernel restart it",
        )
