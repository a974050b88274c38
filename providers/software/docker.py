"""Docker as Kubernetes' container runtime, through cri-dockerd."""

from __future__ import annotations

import json
from collections.abc import Sequence

from providers.core import service
from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.options import complete, shown
from providers.core.service import Service, ServiceState
from providers.core.thing import Change, Site
from providers.core.writing import put
from providers.software import docker_config, runtime
from providers.software.docker_config import DEFAULTS

CONFIG = "/etc/docker/daemon.json"
DROP_IN = "/etc/systemd/system/cri-docker.service.d/helicon.conf"
UNIT = "docker.service"
SOCKET_UNIT = "cri-docker.socket"
CRI_UNIT = "cri-docker.service"
_SOCKET = "docker_socket"
"""The socket's own place in the journal."""
_INSTALLED: Argv = ("systemctl", "cat", SOCKET_UNIT)
_QUESTIONS: list[Argv] = [("cat", CONFIG), ("cat", DROP_IN)]
# Docker before 23.0 cannot check a configuration
_INSTALL = """
new="$1.helicon"; mkdir -p "${1%/*}"
cat > "$new" && chmod 0644 "$new" && sync "$new" || exit
if dockerd --help 2>&1 | grep -q -e --validate; then
  dockerd --validate --config-file "$new" >&2 || { rm -f "$new"; exit 1; }
fi
mv "$new" "$1"
"""
_RESTART_CRI = 'systemctl daemon-reload; ! systemctl is-active -q "$1" || systemctl restart "$1"'


class Docker(Service):
    """Options of Docker, compared one by one; what else is in daemon.json is the user's and stays."""

    name = "docker"
    defaults = DEFAULTS
    file = CONFIG

    def questions(self, managed: ServiceState) -> Sequence[Argv]:
        """The files, Docker's unit and cri-dockerd's socket."""
        return [*_QUESTIONS, *service.questions(UNIT), *service.questions(SOCKET_UNIT)]

    def observe(self, site: Site, managed: ServiceState) -> ServiceState:
        """The options that the files have."""
        config, drop_in, *units = site.host.ask(self.questions(managed))
        socket = {key: f"{SOCKET_UNIT}: {was}" for key, was in service.amiss(*units[2:]).items()}
        amiss = {**socket, **service.amiss(*units[:2])}
        if not config.ok:
            return ServiceState(options=None, amiss=amiss)
        wanted = complete(DEFAULTS, managed.options or {})
        data = docker_config.load(config.text)
        if data is None:
            amiss[service.CONTENT] = service.DIFFERS
        found = docker_config.parse(data or {}, wanted)
        found["sandbox_image"] = docker_config.parse_drop_in(drop_in.text)
        return ServiceState(options=shown(DEFAULTS, found, managed.options or {}), amiss=amiss)

    def apply(self, site: Site, changes: Sequence[Change], desired: ServiceState) -> None:
        """Write what has been validated; one restart of Docker, where daemon.json changed."""
        _require_cri(site)
        wanted = complete(DEFAULTS, desired.options or {})
        (config,) = site.host.ask([("cat", CONFIG)])
        service.remember_unit(site, self.name, UNIT)
        service.remember_unit(site, _SOCKET, SOCKET_UNIT)
        site.journal.keep_files([CONFIG, DROP_IN])
        written = {one.field for one in service.of_file(changes)}
        if written - {"sandbox_image"}:
            text = json.dumps(docker_config.document(wanted, docker_config.load(config.text) or {}), indent=2)
            service.install(site, _INSTALL, CONFIG, self.name, "dockerd --validate", f"{text}\n")
        if written & {service.FILE, "sandbox_image"}:
            put(site, DROP_IN, docker_config.drop_in(wanted["sandbox_image"]))
            site.host.run(["sh", "-c", _RESTART_CRI, "restart-cri", CRI_UNIT], timeout=180)
        service.bring_up(site, UNIT, "restart" if written - {"sandbox_image"} else "start")
        service.bring_up(site, SOCKET_UNIT, "start")

    def remove(self, site: Site, managed: ServiceState) -> None:
        """The files and units as they were; images and containers stay in Docker's directory."""
        runtime.keep_for_member(site, self.name)
        service.give_back(site, _SOCKET, SOCKET_UNIT, [DROP_IN])
        service.give_back(site, self.name, UNIT, [CONFIG])


def _require_cri(site: Site) -> None:
    (answer,) = site.host.ask([_INSTALLED])
    if not answer.ok:
        raise Refused(
            host=str(site.host),
            item=SOCKET_UNIT,
            expected="cri-dockerd, through which the kubelet speaks to Docker",
            found="no such unit",
            next_step="add a repository that has the package cri-dockerd to software.repositories in the stack file",
        )
