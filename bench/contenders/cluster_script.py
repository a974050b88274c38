"""The hand-tuned script for a whole cluster (`cluster.sh`): the files, lists and documents that it reads.

Texts are the program's own, so that all make the same cluster; what the script does with them, and in
which order, is its own affair.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.contenders.contender import Command
from bench.objects import manifest
from bench.places import REPOSITORY
from components import balancing, properties
from components.membership_properties import membership
from components.readiness import expectations
from components.sources import source_of
from config import Machine, Node, Rack
from lab import namespace
from providers.balancing import haproxy_config
from providers.core.options import complete
from providers.membership import kubeadm_config, readiness
from providers.software import containerd_config, kubelet, kubelet_config

SCRIPTS = REPOSITORY / "bench" / "contenders"
CONTAINERD = (1, 7)
"""The series in the bundle."""
_HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
_OPTIONS = (
    "IdentitiesOnly yes", "BatchMode yes", "StrictHostKeyChecking yes", "GlobalKnownHostsFile /dev/null",
    "ControlPath mux-%n", "Ciphers aes128-gcm@openssh.com", "Compression no", "LogLevel ERROR",
)  # fmt: skip


class ClusterScript:
    """`cluster.sh` for one rack of boards."""

    name = "script"
    together = False
    """Whether all boards are prepared at once, as by this program, or the first control plane before the others."""

    def __init__(self, rack: Rack, place: Path, bundle: Path) -> None:
        self.rack, self.place, self.bundle = rack, place, bundle

    def prepare(self, identity: Path, known_hosts: Path) -> None:
        """Write what it reads; not measured, as whoever wrote the script has these files."""
        shutil.rmtree(self.place, ignore_errors=True)
        for machine in self.rack.machines():
            for path, text in files(self.rack, machine).items():
                _write(self.place / "roots" / machine.hostname / path, text)
        for node in self.rack.nodes.values():
            _write(self.place / "kubeadm" / f"{node.hostname}.yaml", document(self.rack, node))
        _write(self.place / "objects.json", manifest(self.rack))
        first = self.rack.control_planes()[0].hostname
        probe = readiness.probe_daemonset(expectations(self.rack))
        _write(self.place / "roots" / first / "var/tmp/bench/probe.json", json.dumps(probe))
        _write(self.place / "labels", labels(self.rack))
        _write(self.place / "ssh_config", ssh_config(self.rack, identity, known_hosts))
        _write(self.place / "rack.sh", self._lists())

    def command(self) -> Command:
        """All of it, inside the lab's network."""
        argv = ["bash", str(SCRIPTS / "cluster.sh"), str(self.place)]
        return Command(argv=namespace.inside(argv), cwd=self.place)

    def _lists(self) -> str:
        """Who there is, and which files of the bundle go where."""
        index = (self.bundle / "debs" / "Packages").read_text()
        nodes = list(self.rack.nodes.values())
        planes = [node for node in nodes if node.is_control_plane]
        workers = [node for node in nodes if not node.is_control_plane]
        source = source_of(self.rack, nodes[0].architecture)
        balancers = list(self.rack.load_balancers.values())
        lists = {
            "bundle": [str(self.bundle)],
            "machines": [one.hostname for one in self.rack.machines()],
            "load_balancers": [one.hostname for one in balancers],
            "control_planes": [one.hostname for one in planes],
            "workers": [one.hostname for one in workers],
            "balancer_debs": closure(index, ["haproxy"]),
            "node_debs": closure(index, source.node_packages(nodes[0])),
            "programs": [
                one["artifact"] for one in source.artifacts(nodes[0])["artifacts"]["files"].values()
            ],
            "control_plane_images": _archives(source.images(planes[0])),
            "worker_images": _archives(source.images(workers[0])),
            "timeout": [str(self.rack.readiness.timeout)],
            "probe_name": [readiness.PROBE],
            "together": ["yes"] if self.together else [],
        }
        lines = [f"{key}={shlex.quote(' '.join(words))}" for key, words in lists.items()]
        addresses = " ".join(f"[{one.hostname}]={one.address}" for one in self.rack.machines())
        return "\n".join([*lines, f"declare -A address=({addresses})", ""])


class ClusterScriptTogether(ClusterScript):
    """The same in this program's order: what the order alone is worth."""

    name = "script, all boards at once"
    together = True


def files(rack: Rack, machine: Machine) -> dict[str, str]:
    """A machine's own files by path below its root."""
    known = properties.hosts(rack, machine)
    names = "".join(f"{address} {' '.join(names)}\n" for address, names in known.items())
    common = {
        "etc/hostname": f"{machine.hostname}\n",
        "etc/hosts": _HOSTS + names,
        "etc/systemd/timesyncd.conf.d/bench.conf": f"[Time]\nNTP={' '.join(machine.clock.ntp)}\n",
        "var/tmp/bench/machine.sh": (SCRIPTS / "cluster_machine.sh").read_text(),
    }
    return {
        **common,
        **(_node_files(rack, machine) if isinstance(machine, Node) else _balancer(rack, machine)),
    }


def _balancer(rack: Rack, machine: Machine) -> dict[str, str]:
    (options,) = (balancing.haproxy(rack, one) for one in rack.load_balancers.values() if one is machine)
    return {"etc/haproxy/haproxy.cfg": haproxy_config.text(complete(haproxy_config.DEFAULTS, options))}


def _node_files(rack: Rack, node: Node) -> dict[str, str]:
    software = properties.software(rack, node, source_of(rack, node.architecture))
    options = complete(containerd_config.DEFAULTS, software["containerd"])
    settings = properties.kernel(node, node=True)
    sysctl = "".join(f"{key} = {value}\n" for key, value in settings["sysctl"].items())
    return {
        "etc/modules-load.d/kubernetes.conf": "".join(f"{one}\n" for one in settings["modules"]),
        "etc/sysctl.d/99-kubernetes.conf": sysctl,
        "etc/containerd/config.toml": containerd_config.text(options, CONTAINERD),
        kubelet.UNIT_FILE[1:]: kubelet.UNIT_TEXT,
        kubelet.DROP_IN[1:]: kubelet.DROP_IN_TEXT,
        kubelet.DEFAULTS_FILE[1:]: kubelet.args_text(software["kubelet"]["extra_args"]),
        kubelet_config.FILE[1:]: kubelet_config.text(software["kubelet_config"]),
        "var/tmp/bench/kubeadm.yaml": "",
    }


def document(rack: Rack, node: Node) -> str:
    """What kubeadm reads; the script fills in the token and the digest of the CA.

    The first control plane makes the token as it forms the cluster, so that nobody has to ask for one.
    """
    wanted: dict[str, Any] = membership(rack, node, "CA_HASH")["kubeadm"]
    if node is not rack.control_planes()[0]:
        return kubeadm_config.join(wanted, token="TOKEN")
    text = kubeadm_config.init(wanted)
    changed = text.replace("bootstrapTokens: []\n", "bootstrapTokens:\n- token: TOKEN\n", 1)
    assert changed != text
    return changed


def labels(rack: Rack) -> str:
    """A line for each node that has any: its name, then key=value."""
    return "".join(
        f"{node.hostname} {' '.join(f'{key}={value}' for key, value in node.labels.items())}\n"
        for node in rack.nodes.values()
        if node.labels
    )


def closure(index: str, names: Sequence[str] | dict[str, Any]) -> list[str]:
    """The packages of a flat repository that these need, as paths in the bundle; the rest a machine has."""
    packages = {_field(one, "Package"): one for one in index.split("\n\n") if one.strip()}
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in found or name not in packages:
            continue
        found[name] = f"debs/{_field(packages[name], 'Filename').removeprefix('./')}"
        needed = f"{_field(packages[name], 'Pre-Depends')}, {_field(packages[name], 'Depends')}"
        waiting += re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]*)", needed)
    return sorted(found.values())


def ssh_config(rack: Rack, identity: Path, known_hosts: Path) -> str:
    """One connection to each machine, with the cipher that costs least where the processor has AES."""
    hosts = [f"Host {one.hostname}\n  HostName {one.address}\n" for one in rack.machines()]
    user = rack.machines()[0].connection.user
    files_ = [f"User {user}", f"IdentityFile {identity}", f"UserKnownHostsFile {known_hosts}"]
    return "".join(hosts) + "Host *\n" + "".join(f"  {one}\n" for one in (*files_, *_OPTIONS))


def _archives(images: dict[str, Any]) -> list[str]:
    return [one["archive"] for one in images["images"]["refs"].values()]


def _field(stanza: str, name: str) -> str:
    match = re.search(rf"^{name}: (.*)$", stanza, re.MULTILINE)
    return match[1] if match else ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
