"""containerd as Kubernetes' container runtime."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from providers.core import service
from providers.core.errors import Refused
from providers.core.host import Argv, Completed
from providers.core.options import Options, complete, shown
from providers.core.service import Service, ServiceState
from providers.core.thing import Change, Json, Site
from providers.core.writing import put
from providers.software import containerd_config, runtime
from providers.software.containerd_config import CERTS, DEFAULTS, REGISTRY, Version
from providers.software.packages import BROUGHT, Packages

CONFIG = "/etc/containerd/config.toml"
MANAGED_UNIT = "/etc/systemd/system/containerd.service"
UNIT = "containerd.service"
_PACKAGES = ("containerd", "containerd.io")
PACKAGED = "packaged"
MANAGED = "managed"
OWN: Options = {**DEFAULTS, "unit": PACKAGED, "version": ""}
"""All options: also whose unit runs it, and the series that must be installed ("1.7", "2"; "": any)."""

_PREFIX = "registries."
_VERSION: Argv = ("containerd", "--version")
_READ_REGISTRIES = """
cd "$1" 2>/dev/null || exit 0
for file in */hosts.toml; do
  [ ! -e "$file" ] || { echo "=== ${file%/hosts.toml}"; cat "$file"; echo; }
done
"""
_REGISTRIES: Argv = ("sh", "-c", _READ_REGISTRIES, "registries", CERTS)
_QUESTIONS: list[Argv] = [_VERSION, ("cat", CONFIG), _REGISTRIES, ("cat", MANAGED_UNIT)]
_INSTALL = """
new="$1.helicon"; mkdir -p "${1%/*}"
cat > "$new" && chmod 0644 "$new" && sync "$new" || exit
if containerd --config "$new" config dump >/dev/null; then mv "$new" "$1"; else rm -f "$new"; exit 1; fi
"""
_STORE = "/var/lib/containerd"
_WIPE = f"""
systemctl stop containerd 2>/dev/null
find {_STORE} -xdev -mindepth 1 -delete 2>/dev/null
rmdir {_STORE} 2>/dev/null; exit 0
"""
_TIDY = 'rmdir --ignore-fail-on-non-empty "$@" 2>/dev/null; exit 0'
_OPT = "/opt/containerd"
_MADE = (f"{_OPT}/bin", f"{_OPT}/lib", _OPT, containerd_config.CNI_CONF, "/etc/cni")
"""Directories that containerd makes when it starts; removed where nothing is in them."""
_UNIT_TEXT = f"""{containerd_config.MARK}
[Unit]
Description=containerd, the container runtime
After=network.target dbus.service

[Service]
ExecStart=containerd
Type=notify
Delegate=yes
# containers outlive a restart of their runtime
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""


class Containerd(Service):
    """Options of containerd, compared one by one, so that a change by hand is named.

    A registry that left the stack file is found on the machine by its mark.
    """

    name = "containerd"
    defaults = OWN
    file = CONFIG

    def parse(self, value: Json) -> ServiceState:
        """From {option: value}; what is left out has its default."""
        state = super().parse(value)
        if state.options is None:
            return state
        given = {key: one for key, one in state.options.items() if (key, one) != ("sandbox_image", "")}
        registries = cast(dict[str, Options], given.get("registries", {}))
        full = {name: _registry(name, one) for name, one in registries.items()}
        return ServiceState(options={**given, "registries": cast(Json, full)}, amiss=state.amiss)

    def questions(self, managed: ServiceState) -> Sequence[Argv]:
        """The version, the files and the unit."""
        return [*_QUESTIONS, *service.questions(UNIT)]

    def observe(self, site: Site, managed: ServiceState) -> ServiceState:
        """The options that the files have; anything in them that is not ours shows as `content`."""
        version, config, registries, unit, enabled, active = site.host.ask(self.questions(managed))
        amiss = service.amiss(enabled, active)
        series = containerd_config.parse_version(version.text)
        if not config.ok or series is None:
            return ServiceState(options=None, amiss=amiss)
        wanted = managed.options or {}
        found, ours = _parse_config(config, series)
        if not ours:
            amiss[service.CONTENT] = service.DIFFERS
        found["registries"] = _parse_registries(registries.text, cast(Options, wanted.get("registries", {})))
        found["unit"] = _parse_unit(unit)
        found["version"] = _series(series, str(wanted["version"])) if wanted.get("version") else ""
        return ServiceState(options=shown(OWN, found, wanted), amiss=amiss)

    def apply(self, site: Site, changes: Sequence[Change], desired: ServiceState) -> None:
        """Write what has been validated; one restart, and none for registries alone."""
        wanted = complete(OWN, desired.options or {})
        series = _require_version(site, str(wanted["version"]))
        registries = cast(dict[str, Options], wanted["registries"])
        gone = [one.field.removeprefix(_PREFIX) for one in changes if _is_lost_registry(one)]
        service.remember_unit(site, self.name, UNIT)
        no_longer = [] if wanted["unit"] == MANAGED else [MANAGED_UNIT]
        site.journal.restore_files([*no_longer, *map(_hosts_file, gone)])
        site.journal.keep_files([CONFIG, MANAGED_UNIT, *map(_hosts_file, registries)])
        written = [one for one in service.of_file(changes) if not one.field.startswith(_PREFIX)]
        if written:
            service.install(
                site,
                _INSTALL,
                CONFIG,
                "containerd",
                "containerd config dump",
                containerd_config.text(wanted, series),
            )
            if wanted["unit"] == MANAGED:
                put(site, MANAGED_UNIT, _UNIT_TEXT)
        fields = {change.field for change in changes}
        for name, registry in registries.items():
            if fields & {service.FILE, f"{_PREFIX}{name}"}:
                put(site, _hosts_file(name), containerd_config.hosts(registry))
        service.bring_up(site, UNIT, "restart" if written else "start")

    def remove(self, site: Site, managed: ServiceState) -> None:
        """The packaged configuration and the unit as they were."""
        runtime.keep_for_member(site, self.name)
        registries = cast(dict[str, Json], (managed.options or {}).get("registries", {}))
        site.journal.restore_files(map(_hosts_file, registries))
        service.give_back(site, self.name, UNIT, [CONFIG, MANAGED_UNIT])
        if _is_ours(site, managed):
            site.host.run(["sh", "-c", _WIPE, "wipe"], timeout=600)
        site.host.run(["sh", "-c", _TIDY, "tidy", *_MADE])


def _registry(name: str, given: Options) -> dict[str, Json]:
    known = {"docker.io": "https://registry-1.docker.io"}
    server = given.get("server") or known.get(name, f"https://{name}")
    return {**complete(REGISTRY, given), "server": server}


def _is_lost_registry(change: Change) -> bool:
    return change.field.startswith(_PREFIX) and change.now is None


def _hosts_file(registry: str) -> str:
    return f"{CERTS}/{registry}/hosts.toml"


def _parse_config(config: Completed, version: Version) -> tuple[dict[str, Json], bool]:
    """The options in the file, and whether it says exactly these and no more."""
    try:
        data: dict[str, Any] = tomllib.loads(config.stdout.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        data = {}
    found = containerd_config.parse(data, version)
    return found, data == containerd_config.document(found, version)


def _parse_registries(text: str, managed: Mapping[str, Any]) -> Json:
    """The registries that are managed, and those that bear our mark."""
    parts = (part.partition("\n") for part in f"\n{text}".split("\n=== ")[1:])
    return {
        name: containerd_config.parse_hosts(found)
        for name, _, found in parts
        if name in managed or found.startswith(containerd_config.MARK)
    }


def _parse_unit(unit: Completed) -> str:
    """Whose unit it is; a unit of the administrator's own counts as packaged."""
    if not unit.text.startswith(containerd_config.MARK):
        return PACKAGED
    return MANAGED if unit.text == _UNIT_TEXT.rstrip() else service.DIFFERS


def _series(found: Version, wanted: str) -> str:
    """The installed series, told as exactly as the wanted one."""
    major, minor = found
    return f"{major}.{minor}" if "." in wanted or major < 2 else f"{major}"


def _require_version(site: Site, wanted: str) -> Version:
    (answer,) = site.host.ask([_VERSION])
    found = containerd_config.parse_version(answer.text)
    if found is None or (wanted and _series(found, wanted) != wanted):
        raise Refused(
            host=str(site.host),
            item="containerd",
            expected=f"version {wanted or '1.7 or newer'}",
            found=answer.text or service.last_lines(answer),
            next_step=f"set containerd.source of {site.host.name} in the stack file to one that has it",
        )
    return found


def _is_ours(site: Site, managed: ServiceState) -> bool:
    """Whether containerd itself goes, so that its store would be left without an owner."""
    packages = site.journal.recall(Packages.name, _PACKAGES)
    return BROUGHT in packages.values() or (managed.options or {}).get("unit") == MANAGED
