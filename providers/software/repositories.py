"""Package repositories: of apt in deb822 form with their keys, of tdnf and dnf as .repo files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import cast

from providers.core.causes import check
from providers.core.errors import HostError
from providers.core.host import Argv, Completed
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.core.writing import put
from providers.software import apt, package_managers, repo_files
from providers.software.bundle import is_url
from providers.software.delivery import FETCH

SOURCES = "/etc/apt/sources.list.d"
KEYS = "/etc/apt/keyrings"
LISTS = "/var/lib/apt/lists"
MARK = "# Managed by helicon: changes made by hand are put right by the next `pulumi up`."
DIFFERS = "(differs)"
_SELDOM = ("content", "rpm_uri", "rpm_key")
_FETCH_KEY = f"""
set -- "$1.helicon" "$2"
{FETCH}
[ -s "$1" ] && chmod 0644 "$1" && sync "$1" && mv -- "$1" "${{1%.helicon}}" || exit 1
sum=$(sha256sum < "${{1%.helicon}}"); echo "${{sum%% *}}"
"""
_DROP_LISTS = 'for prefix; do rm -f -- "$prefix"*; done'
_SPECIAL = re.compile(r'[\\|{}\[\]<>"^~_=!@#$%&*]')
"""What apt escapes in the names of its list files (URItoFileName in apt-pkg/contrib/strutl.cc)."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One repository; a suite that ends with `/` is a path in a flat one and has no components."""

    uri: str
    suite: str
    components: str = ""
    key: str = ""
    """ASCII-armored, or an https address to fetch it from; empty: the keys that the system trusts."""
    trusted: bool = False
    rpm_uri: str = ""
    """The same repository for machines with rpm packages; empty: they have no use for it."""
    rpm_key: str = ""
    """Address of its key."""
    content: str = ""
    """DIFFERS where the file holds something that is not ours."""


@dataclass(frozen=True, kw_only=True)
class RepositoriesState:
    """Repositories by name; None where there is none of that name."""

    repositories: dict[str, Repository | None] = field(default_factory=dict)


class Repositories(Thing[RepositoriesState]):
    """One file and one key for each repository; only changed ones are fetched."""

    name = "repositories"

    def parse(self, value: Json) -> RepositoriesState:
        """From {"name": {"uri", "suite", "components", "key", "trusted"}}."""
        entries = cast(dict[str, dict[str, Json] | str], value)
        given = {name: None if isinstance(one, str) else _parse(one) for name, one in entries.items()}
        return RepositoriesState(repositories=given)

    def render(self, state: RepositoriesState) -> Json:
        """To {"name": {…}}, with `content` where that is amiss."""
        return {name: ABSENT if one is None else _property(one) for name, one in state.repositories.items()}

    def questions(self, managed: RepositoriesState) -> Sequence[Argv]:
        """Which manager there is, and the files of each repository in both forms."""
        names = sorted(managed.repositories)
        return [package_managers.QUESTION, *(("cat", path) for path in _all_paths(names))] if names else []

    def observe(self, site: Site, managed: RepositoriesState) -> RepositoriesState:
        """What the files say."""
        if not managed.repositories:
            return managed
        program, *answers = site.host.ask(self.questions(managed))
        found: dict[str, Repository | None] = {}
        for at, (name, wanted) in enumerate(sorted(managed.repositories.items())):
            source, key, repo = answers[at * 3 : at * 3 + 3]
            if package_managers.uses_rpm(program.text):
                found[name] = _seen_by_rpm(name, repo, wanted)
            else:
                found[name] = _seen_by_apt(name, source, key, wanted)
        return RepositoriesState(repositories=found)

    def plan(self, current: RepositoriesState, desired: RepositoriesState) -> list[Change]:
        """One change for each part of a repository that differs, or for one that is absent."""
        changes: list[Change] = []
        for name, wanted in sorted(desired.repositories.items()):
            found = current.repositories.get(name)
            if wanted is None or found is None:
                changes += differences({name: found and found.uri}, {name: wanted and wanted.uri})
            else:
                changes += differences(_flat(name, found), _flat(name, wanted))
        return changes

    def apply(self, site: Site, changes: Sequence[Change], desired: RepositoriesState) -> None:
        """Write the changed ones and fetch their lists; one that cannot be fetched is taken back."""
        names = {change.field.rpartition(".")[0] or change.field for change in changes}
        for name, one in sorted(desired.repositories.items()):
            if one is not None and (name in names or any(change.field == name for change in changes)):
                if package_managers.uses_rpm(site.host.ask([package_managers.QUESTION])[0].text):
                    _write_repo(site, name, one)
                else:
                    _write(site, name, one)
                    _fetch(site, name)

    def remove(self, site: Site, managed: RepositoriesState) -> None:
        """The files as they were, and no lists of what is gone."""
        known = [(name, one) for name, one in managed.repositories.items() if one is not None]
        prefixes = [lists_prefix(one.uri, one.suite) for _, one in known if one.uri]
        if prefixes:
            site.host.run(["sh", "-c", _DROP_LISTS, "drop-lists", *prefixes])
        if known:
            site.host.run(["sh", "-c", repo_files.DROP_CACHE, "drop-cache", *(name for name, _ in known)])
        site.journal.restore_files(_all_paths(managed.repositories))

    def minus(self, old: RepositoriesState, new: RepositoriesState) -> RepositoriesState | None:
        """The repositories that are no longer listed."""
        gone = {name: one for name, one in old.repositories.items() if name not in new.repositories}
        return RepositoriesState(repositories=gone) if gone else None


def source_text(name: str, one: Repository, key_sum: str = "") -> str:
    """The file of a repository; for a key that was fetched it says from where, and the key's sum."""
    lines = [
        MARK,
        *([f"# Key: {one.key} sha256:{key_sum}"] if is_url(one.key) else []),
        "Types: deb",
        f"URIs: {one.uri}",
        f"Suites: {one.suite}",
        *([f"Components: {one.components}"] if one.components else []),
        *([f"Signed-By: {_paths(name)[1]}"] if one.key else []),
        *(["Trusted: yes"] if one.trusted else []),
    ]
    return "\n".join(lines) + "\n"


def parse_source(name: str, text: str, key: str) -> Repository:
    """A repository from its file and its key."""
    values = dict(re.findall(r"^(\S+): *(.*?) *$", text, re.MULTILINE))
    fetched = re.search(r"^# Key: (\S+) sha256:(\S+)$", text, re.MULTILINE)
    key_sum = hashlib.sha256(key.encode()).hexdigest()
    if fetched and fetched[2] == key_sum:
        key = fetched[1]
    found = Repository(
        uri=values.get("URIs", ""),
        suite=values.get("Suites", ""),
        components=values.get("Components", ""),
        key=key.strip() if "Signed-By" in values else "",
        trusted=values.get("Trusted") == "yes",
    )
    same = source_text(name, found, key_sum).strip() == text.strip()
    return found if same else replace(found, content=DIFFERS)


def lists_prefix(uri: str, suite: str) -> str:
    """How the names of apt's list files for a repository begin."""
    path = re.sub(r"^[a-z+]+:(//)?", "", uri.rstrip("/")) + "/"
    path += suite.lstrip("/") if suite.endswith("/") else f"dists/{suite}/"
    quoted = _SPECIAL.sub(lambda match: f"%{ord(match[0]):02x}", path)
    return f"{LISTS}/{quoted.replace('/', '_')}"


def _parse(entry: dict[str, Json]) -> Repository:
    return Repository(
        uri=str(entry["uri"]),
        suite=str(entry["suite"]),
        components=str(entry.get("components", "")),
        key=str(entry.get("key", "")).strip(),
        trusted=bool(entry.get("trusted", False)),
        rpm_uri=str(entry.get("rpm_uri", "")),
        rpm_key=str(entry.get("rpm_key", "")),
        content=str(entry.get("content", "")),
    )


def _property(one: Repository) -> Json:
    return {key: value for key, value in asdict(one).items() if key not in _SELDOM or value}


def _seen_by_apt(
    name: str, source: Completed, key: Completed, wanted: Repository | None
) -> Repository | None:
    """What apt has; the other form is as wanted, it has no place here."""
    if wanted and not wanted.uri:
        return wanted
    if not source.ok:
        return None
    found = parse_source(name, source.text, key.stdout.decode("utf-8", "replace"))
    return replace(found, rpm_uri=wanted.rpm_uri, rpm_key=wanted.rpm_key) if wanted else found


def _seen_by_rpm(name: str, repo: Completed, wanted: Repository | None) -> Repository | None:
    """What tdnf or dnf has; the form for apt is as wanted."""
    if wanted and not wanted.rpm_uri:
        return wanted
    if not repo.ok:
        return None
    uri, key, same = repo_files.parse(name, repo.text)
    base = wanted or Repository(uri="", suite="")
    return replace(base, rpm_uri=uri, rpm_key=key, content="" if same else DIFFERS)


def _paths(name: str) -> tuple[str, str]:
    return f"{SOURCES}/{name}.sources", f"{KEYS}/{name}.asc"


def _all_paths(names: Iterable[str]) -> list[str]:
    return [path for name in sorted(names) for path in (*_paths(name), repo_files.path(name))]


def _flat(name: str, one: Repository) -> dict[str, object]:
    return {f"{name}.{key}": value for key, value in asdict(one).items()}


def _write_repo(site: Site, name: str, one: Repository) -> None:
    path = repo_files.path(name)
    site.journal.keep_files([path])
    put(site, path, repo_files.text(name, one.rpm_uri, one.rpm_key))
    try:
        repo_files.fetch(site, name)
    except HostError:
        site.journal.restore_files([path])
        raise


def _write(site: Site, name: str, one: Repository) -> None:
    source, key = _paths(name)
    site.journal.keep_files([source, key])
    if is_url(one.key):
        site.host.run(["mkdir", "-p", KEYS])
        fetched = site.host.run(["sh", "-c", _FETCH_KEY, "fetch-key", key, one.key], timeout=120, check=False)
        check(site.host, f"key of {name} from {one.key}", fetched)
        put(site, source, source_text(name, one, fetched.text.split()[-1]))
        return
    if one.key:
        put(site, key, f"{one.key}\n")
    put(site, source, source_text(name, one))


def _fetch(site: Site, name: str) -> None:
    only = ["-o", f"Dir::Etc::sourcelist={_paths(name)[0]}", "-o", "Dir::Etc::sourceparts=-"]
    try:
        apt.update(site, f"repository {name}", *only, "-o", "APT::Get::List-Cleanup=0")
    except HostError:
        # otherwise the next run would find the file as wanted and never fetch
        site.journal.restore_files(_paths(name))
        raise
