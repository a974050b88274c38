"""tdnf, Photon's package manager, and dnf, whose commands it shares: machines with rpm packages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from providers.core.causes import check, explain
from providers.core.errors import Refused
from providers.core.host import Argv, Completed
from providers.core.thing import Site
from providers.core.writing import put
from providers.software.package_manager import Manager, Package, Remember

LOCKS = "/etc/tdnf/locks.d/helicon.conf"
"""tdnf (3.3 and later) neither changes nor removes the installed packages that files there name."""
VERSIONS = "/etc/dnf/plugins/versionlock.list"
NAMES: Mapping[str, str] = {"conntrack": "conntrack-tools", "docker.io": "docker", "nfs-common": "nfs-utils"}
"""Packages that rpm distributions call otherwise than Debian."""
SECONDS = 2400
"""For one transaction; tdnf and dnf wait by themselves for another that is running."""
_OURS = {rpm: debian for debian, rpm in NAMES.items()}
_RECORDS = f"""
command -v rpm >/dev/null || exit 127
rpm -q --qf '%{{NAME}}\\t%{{VERSION}}-%{{RELEASE}}\\n' "$@"
cat {LOCKS} 2>/dev/null
sed -n 's/-[0-9]*:[^-]*-[^-]*$//p' {VERSIONS} 2>/dev/null; exit 0
"""
_PENDING = """
for program in tdnf dnf; do
  if command -v "$program" >/dev/null; then LC_ALL=C timeout 120 "$program" -C --assumeno "$1"; exit; fi
done; exit 127
"""
_HELD = re.compile(r"^[^\s\t#]+$", re.MULTILINE)
_SECTION = re.compile(r"^(\w+)(?: [a-z ]+)?:[ ]*$", re.MULTILINE)
# in a narrow table dnf breaks the line after a long name
_ROW = re.compile(r"^ *(\S+)\s+(?:noarch|aarch64|x86_64|armv\w+|i\d86)\s+(\S+)\s+\S", re.MULTILINE)
_ABORTED = "Operation aborted"
Preview = dict[str, dict[str, str]]


class Dnf(Manager):
    """One class for both: where they differ is how a package is held."""

    def __init__(self, program: str) -> None:
        self.program = program

    def question(self, names: Collection[str]) -> Argv:
        """rpm's records, and what is locked."""
        return ("sh", "-c", _RECORDS, "records", *sorted(map(_rpm, names)))

    def parse(self, text: str) -> dict[str, Package]:
        """From lines `name<tab>version-release`, then the names that are locked."""
        records = [line.split("\t") for line in text.splitlines() if "\t" in line]
        held = set(_HELD.findall(text))
        return {_OURS.get(name, name): Package(version=one, hold=name in held) for name, one in records}

    def install(self, site: Site, requirements: Mapping[str, str], remember: Remember) -> None:
        """A lock forbids our own changes too: it goes first, and is put back by `hold`."""
        words = [f"{_rpm(name)}-{one}" if one else _rpm(name) for name, one in requirements.items()]
        item = f"packages {' '.join(words)}"
        site.say(f"{self.program} install {' '.join(words)}")
        self.hold(site, [], requirements)
        remember(
            [_OURS.get(name, name) for name in self._preview(site, item, "install", *words)["Installing"]]
        )
        self._run(site, item, "install", *words)

    def hold(self, site: Site, held: Collection[str], free: Collection[str]) -> None:
        """tdnf by a file of locks, dnf by its versionlock plugin."""
        before = self._held(site)
        gone, new = before & _rpms(free), _rpms(held) - before
        if self.program == "tdnf" and gone | new:
            _write_locks(site, (before - gone) | new)
        elif gone | new:
            self._lock_versions(site, new, gone)

    def present(self, site: Site, names: Collection[str]) -> list[str]:
        """By rpm's records."""
        (answer,) = site.host.ask([self.question(names)])
        return [name for name in self.parse(answer.text) if name in names]

    def preview_removal(self, site: Site, names: Sequence[str]) -> set[str]:
        """By a transaction that is answered with no."""
        return self._removed(site, "remove", "--noautoremove", *map(_rpm, names))

    def unneeded(self, site: Site, names: Sequence[str]) -> set[str]:
        """By the same, with what was installed as a dependency only."""
        return self._removed(site, "autoremove", *map(_rpm, names))

    def remove(self, site: Site, names: Sequence[str]) -> None:
        """rpm keeps a configuration file that was changed beside its place, as .rpmsave."""
        words = list(map(_rpm, names))
        site.say(f"{self.program} remove {' '.join(words)}")
        self._run(site, f"packages {' '.join(words)}", "remove", "--noautoremove", *words)

    def pending(self, level: str) -> Argv:
        """From the cache alone, and answered with no."""
        return ("sh", "-c", _PENDING, "pending", _verb(level))

    def parse_pending(self, text: str) -> dict[str, str]:
        """From the table; it tells new versions only."""
        found = parse_preview(text)
        new = {name: f"new {version}" for name, version in found["Installing"].items()}
        changed = {name: f"-> {version}" for name, version in found["Upgrading"].items()}
        older = {name: f"-> {version} (older)" for name, version in found["Downgrading"].items()}
        return {
            **new,
            **changed,
            **older,
            **{name: f"{one} removed" for name, one in found["Removing"].items()},
        }

    def refresh(self, site: Site) -> None:
        """By makecache."""
        self._run(site, "all repositories", "makecache")

    def upgrade(self, site: Site, level: str) -> None:
        """distro-sync also goes back to what the repositories have now."""
        self._run(site, f"{self.program} {_verb(level)}", _verb(level))

    def _removed(self, site: Site, *args: str) -> set[str]:
        found = self._preview(site, f"packages {' '.join(args)}", *args)["Removing"]
        return {_OURS.get(name, name) for name in found}

    def _preview(self, site: Site, item: str, *args: str) -> Preview:
        """What a transaction would do; that it was answered with no is no failure."""
        argv = ["env", "LC_ALL=C", self.program, "--assumeno", *args]
        done = site.host.run(argv, timeout=SECONDS, check=False)
        if not done.ok and _ABORTED not in _said(done):
            raise explain(site.host, item, done)
        return parse_preview(_said(done))

    def _run(self, site: Site, item: str, *args: str) -> None:
        argv = ["env", "LC_ALL=C", self.program, "-y", *args]
        check(site.host, item, site.host.run(argv, timeout=SECONDS, check=False))

    def _held(self, site: Site) -> set[str]:
        (answer,) = site.host.ask([self.question([])])
        return set(_HELD.findall(answer.text))

    def _lock_versions(self, site: Site, held: Iterable[str], free: Iterable[str]) -> None:
        for verb, names in (("delete", sorted(free)), ("add", sorted(held))):
            for name in names:
                argv = ["env", "LC_ALL=C", self.program, "-q", "versionlock", verb, name]
                done = site.host.run(argv, timeout=SECONDS, check=False)
                if not done.ok:
                    raise _no_versionlock(site, name, done)


def parse_preview(text: str) -> Preview:
    """Packages and versions under each word: Installing, Upgrading, Downgrading, Removing."""
    found: Preview = {"Installing": {}, "Upgrading": {}, "Downgrading": {}, "Removing": {}}
    parts = _SECTION.split(text)
    for word, part in zip(parts[1::2], parts[2::2], strict=True):
        found.setdefault(word, {}).update(_ROW.findall(part))
    return found


def _rpm(name: str) -> str:
    return NAMES.get(name, name)


def _rpms(names: Iterable[str]) -> set[str]:
    return set(map(_rpm, names))


def _verb(level: str) -> str:
    return "upgrade" if level == "upgrade" else "distro-sync"


def _said(done: Completed) -> str:
    return (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")


def _write_locks(site: Site, names: Iterable[str]) -> None:
    site.journal.keep_files([LOCKS])
    lines = "".join(f"{name}\n" for name in sorted(names))
    if lines:
        put(site, LOCKS, lines)
    else:
        site.journal.restore_files([LOCKS])


def _no_versionlock(site: Site, name: str, done: Completed) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"hold of {name}",
        expected="dnf's versionlock plugin",
        found=_said(done).strip().splitlines()[-1] if _said(done).strip() else f"status {done.exit_status}",
        next_step="dnf install python3-dnf-plugin-versionlock, on the machine",
    )
