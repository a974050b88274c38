"""What every contender does: the preparation of a machine for Kubernetes, as data, and how it is verified.

The texts of shared files are the program's own, so that the same bytes are wanted of everyone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engine import STACK
from bench.target import USER, Fleet, Target
from config import Rack, load
from providers.access.user_scripts import sudo_text
from providers.system import logs, modules, sysctl

ENDPOINT, ENDPOINT_ADDRESS = "api.bench.test", "10.42.253.40"
ZONE = "Europe/Paris"
MODULES = ("overlay", "br_netfilter")
SYSCTL = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.tcp_keepalive_time": "600",
    "net.core.somaxconn": "8192",
}
"""Settings of a network namespace only: those of a kernel would be this machine's on simulated boards."""
FSTAB = "UUID=0b1c-swap none swap sw 0 0"
"""The line that a fresh machine has and a prepared one has marked out."""
DEPLOYER = "deploy"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5uzbGzB9pyrGZJzJyMBHzqvy6lHb2GJcGYf0jGaMpK deploy@bench.test"
GROUP = "adm"
PACKAGES = ("ca-certificates", "iproute2", "kmod", "openssl", "procps", "tzdata")
"""Installed already, so that no download decides."""
DISABLED = "dpkg-db-backup.timer"
LOGS: dict[str, Any] = {"max_use": "64M", "max_age": "2week"}
_UNIT = """[Unit]
Description=benchmark

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true

[Install]
WantedBy=multi-user.target
"""
UNITS = {"bench-tune.service": _UNIT, "bench-watch.service": _UNIT}
TOLERATED = [
    "address",
    "cgroup",
    "clock",
    "disk",
    "disk ids",
    "fsync",
    "mac",
    "machine id",
    "memory",
    "resolver",
]
"""Preflight's checks that boards which share this machine cannot pass; they are made all the same."""
CHANGED = "/etc/profile.d/kubernetes.sh"
"""The file whose text changes where one machine's change is measured."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file: text, mode, and owner (and group)."""

    text: str
    mode: str = "0644"


FILES = {
    "/etc/crictl.yaml": Wanted(
        text="runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 10\n"
    ),
    CHANGED: Wanted(text="export KUBECONFIG=/etc/kubernetes/admin.conf\nalias k=kubectl\n"),
    "/etc/logrotate.d/kubernetes": Wanted(
        text="/var/log/pods/*/*.log {\n  weekly\n  rotate 2\n  missingok\n}\n"
    ),
    "/etc/security/limits.d/60-kubernetes.conf": Wanted(text="* - nofile 65536\n"),
    "/etc/kubernetes/registries.json": Wanted(text='{"mirrors": ["registry.example.test"]}\n', mode="0600"),
}
"""The user's own files."""


def every_file() -> dict[str, Wanted]:
    """All files that are written whole, by path."""
    return {
        **FILES,
        modules.FILE: Wanted(text="".join(f"{one}\n" for one in MODULES)),
        sysctl.FILE: Wanted(text=sysctl.text(SYSCTL)),
        logs.Logs.path: Wanted(text=logs.Logs().text(LOGS)),
        f"/etc/sudoers.d/helicon-{DEPLOYER}": Wanted(text=sudo_text(DEPLOYER, "passwordless"), mode="0440"),
        **{f"/etc/systemd/system/{name}": Wanted(text=text) for name, text in UNITS.items()},
    }


def checks() -> int:
    """How many single things are checked on each machine."""
    users, names, zone, swap, disabled = 3, 4, 1, 2, 1
    files = len(every_file())
    return (
        files
        + len(SYSCTL)
        + len(MODULES)
        + len(PACKAGES)
        + len(UNITS)
        + users
        + names
        + zone
        + swap
        + disabled
    )


def variables() -> dict[str, Any]:
    """The same as plain data, for contenders that are not this program."""
    own = {logs.Logs.path, sysctl.FILE, modules.FILE, *(f"/etc/systemd/system/{name}" for name in UNITS)}
    return {
        "endpoint": ENDPOINT,
        "endpoint_address": ENDPOINT_ADDRESS,
        "zone": ZONE,
        "modules": list(MODULES),
        "sysctl": SYSCTL,
        "deployer": DEPLOYER,
        "key": KEY,
        "group": GROUP,
        "packages": list(PACKAGES),
        "disabled": DISABLED,
        "units": UNITS,
        "files": {
            path: {"text": one.text, "mode": one.mode}
            for path, one in every_file().items()
            if path not in own
        },
        "logs": {"path": logs.Logs.path, "text": every_file()[logs.Logs.path].text},
        "modules_file": {"path": modules.FILE, "text": every_file()[modules.FILE].text},
        "sysctl_file": {"path": sysctl.FILE, "text": every_file()[sysctl.FILE].text},
    }


def stack(fleet: Fleet) -> dict[str, Any]:
    """The stack file that describes the same to this program; its form wants one control plane among the nodes."""
    nodes = {one.name: _node(one) for one in fleet.targets}
    nodes[fleet.targets[0].name]["roles"] = ["control-plane"]
    config = {
        "cluster": {
            "kubernetes": "1.36.3",
            "endpoint": ENDPOINT,
            "endpoint_address": ENDPOINT_ADDRESS,
            "pod_cidr": "10.240.0.0/12",  # the default has room for 256 nodes
        },
        "preflight": {"tolerate": TOLERATED},
        "defaults": _defaults(fleet.identity, fleet.known_hosts),
        "nodes": nodes,
    }
    return {"config": {f"helicon:{key}": value for key, value in config.items()}}


def rack(fleet: Fleet) -> Rack:
    """The stack file as the program reads it."""
    configured = stack(fleet)["config"]
    return load({key.removeprefix("helicon:"): one for key, one in configured.items()}, stack=STACK)


def _node(one: Target) -> dict[str, Any]:
    return {"address": one.own_address, "connection": {"address": one.address, "port": one.port}}


def _defaults(identity: Path, known_hosts: Path) -> dict[str, Any]:
    user = {"groups": [GROUP], "keys": [KEY], "shell": "/bin/bash", "sudo": "passwordless"}
    return {
        "architecture": "amd64",
        "connection": {"user": USER, "identity_file": str(identity), "known_hosts": str(known_hosts)},
        "clock": {"wait": False},
        "boot": {"memory_cgroup": False},
        "modules": list(MODULES),
        "sysctl": SYSCTL,
        "swap": "off",
        "timezone": ZONE,
        "logs": LOGS,
        "users": {DEPLOYER: user},
        "packages": list(PACKAGES),
        "disabled_services": [DISABLED],
        "files": {path: {"content": one.text, "mode": one.mode} for path, one in FILES.items()},
        "units": {name: {"content": text} for name, text in UNITS.items()},
    }


_REPORT = r"""
say() { printf '%s: %s\n' "$1" "$2"; }
say 'hostname at start' "$(cat /etc/hostname)"; say 'hostname now' "$(hostname)"
say 'own name' "$(getent hosts "$1" | awk 'NR==1 {print $1}')"
say 'endpoint' "$(getent hosts "$2" | awk 'NR==1 {print $1}')"
say zone "$(readlink -f /etc/localtime)"
say 'swap in fstab' "$(grep -c '^[^#].*[[:space:]]swap[[:space:]]' /etc/fstab)"
say 'swap now' "$(sed 1d /proc/swaps | wc -l)"
say user "$(getent passwd "$3" | cut -d: -f6,7)"
say groups "$(id -nG "$3" | tr ' ' '\n' | sort | tr '\n' ' ')"
say keys "$(grep -cxF -- "$5" /home/"$3"/.ssh/authorized_keys) $(stat -c '%a %U' /home/"$3"/.ssh/authorized_keys)"
say disabled "$(systemctl is-enabled "$4") $(systemctl is-active "$4")"
shift 5
while [ "$1" != -- ]; do say "sysctl $1" "$(cat "/proc/sys/$(printf %s "$1" | tr . /)")"; shift; done; shift
while [ "$1" != -- ]; do say "module $1" "$(
  if [ -d "/sys/module/$1" ] || grep -qw "$1" /proc/filesystems || [ -d /proc/sys/net/bridge ]; then echo loaded; fi)"
  shift; done; shift
while [ "$1" != -- ]; do say "package $1" "$(dpkg-query -W -f '${db:Status-Status}' "$1")"; shift; done; shift
while [ "$1" != -- ]; do say "unit $1" "$(systemctl is-enabled "$1") $(systemctl is-active "$1")"; shift; done; shift
for path; do say "file $path" "$(stat -c '%a %U %G' "$path") $(sha256sum <"$path")"; done
"""


def report_command(target: Target) -> list[str]:
    """The command that shows what a machine has of all this; it knows nothing of how it came there."""
    lists: Sequence[Sequence[str]] = (tuple(SYSCTL), MODULES, PACKAGES, tuple(UNITS))
    words = [word for one in lists for word in (*one, "--")]
    paths = sorted(every_file())
    return ["sh", "-c", _REPORT, "report", target.name, ENDPOINT, DEPLOYER, DISABLED, KEY, *words, *paths]


def expected(target: Target) -> list[str]:
    """The report of a machine that is prepared."""
    groups = "".join(f"{one} " for one in sorted((GROUP, DEPLOYER)))
    return [
        f"hostname at start: {target.name}",
        f"hostname now: {target.name}",
        f"own name: {target.own_address}",
        f"endpoint: {ENDPOINT_ADDRESS}",
        f"zone: /usr/share/zoneinfo/{ZONE}",
        "swap in fstab: 0",
        "swap now: 0",
        f"user: /home/{DEPLOYER}:/bin/bash",
        f"groups: {groups}",
        f"keys: 1 600 {DEPLOYER}",
        "disabled: disabled inactive",
        *(f"sysctl {key}: {value}" for key, value in SYSCTL.items()),
        *(f"module {one}: loaded" for one in MODULES),
        *(f"package {one}: installed" for one in PACKAGES),
        *(f"unit {one}: enabled active" for one in UNITS),
        *(
            f"file {path}: {one.mode.lstrip('0')} root root {_sum(one.text)}"
            for path, one in sorted(every_file().items())
        ),
    ]


def differences(target: Target, report: str) -> list[str]:
    """What of a machine's report is not as expected, a line each."""
    found = report.splitlines()
    wanted = expected(target)
    missing = [f"{target.name}: {one} (expected)" for one in wanted if one not in found]
    return missing + [f"{target.name}: {one} (found)" for one in found if one not in wanted]


def _sum(text: str) -> str:
    return f"{hashlib.sha256(text.encode()).hexdigest()}  -"
