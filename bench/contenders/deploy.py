"""The preparation as a pyinfra deploy; pyinfra runs this file once for each machine."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra.context import host
from pyinfra.facts.server import Command, Hostname
from pyinfra.operations import apt, files, server, systemd

WANTED: dict[str, Any] = json.loads(Path(os.environ["BENCH_WANTED"]).read_text())
LOADED = (
    "for m in {}; do [ -d /sys/module/$m ] || grep -qw $m /proc/filesystems || "
    "{{ [ $m = br_netfilter ] && [ -d /proc/sys/net/bridge ]; }} || echo $m; done"
)


def put(path: str, text: str, mode: str = "0644") -> Any:
    """A file with this text; root's."""
    return files.put(src=StringIO(text), dest=path, mode=mode.lstrip("0"), user="root", group="root")


put("/etc/hostname", f"{host.name}\n")
if host.get_fact(Hostname) != host.name:
    server.shell(commands=[f"hostname {host.name}"])
files.line(path="/etc/hosts", line=f"{host.data.own_address} {host.name}")
files.line(path="/etc/hosts", line=f"{WANTED['endpoint_address']} {WANTED['endpoint']}")
files.link(
    path="/etc/localtime", target=f"/usr/share/zoneinfo/{WANTED['zone']}", force=True, force_backup=False
)

put(WANTED["modules_file"]["path"], WANTED["modules_file"]["text"])
missing = host.get_fact(Command, command=LOADED.format(" ".join(WANTED["modules"])))
if missing:
    server.shell(commands=[f"modprobe -a {missing}"])
put(WANTED["sysctl_file"]["path"], WANTED["sysctl_file"]["text"])
for key, value in WANTED["sysctl"].items():
    server.sysctl(key=key, value=int(value))

files.replace(
    path="/etc/fstab", text=r"^[^#][^[:space:]]*[[:space:]].*[[:space:]]swap[[:space:]].*$", replace=r"# &"
)
if host.get_fact(Command, command="sed 1d /proc/swaps"):
    server.shell(commands=["swapoff -a"])

limits = put(WANTED["logs"]["path"], WANTED["logs"]["text"])
systemd.service(service="systemd-journald", restarted=True, _if=limits.did_change)
server.user(
    user=WANTED["deployer"],
    shell="/bin/bash",
    groups=[WANTED["group"]],
    append=True,
    create_home=True,
    public_keys=[WANTED["key"]],
)
for path, one in WANTED["files"].items():
    put(path, one["text"], one["mode"])
apt.packages(packages=WANTED["packages"])
written = [put(f"/etc/systemd/system/{name}", text) for name, text in WANTED["units"].items()]
systemd.daemon_reload(_if=lambda: any(one.did_change() for one in written))
for name in WANTED["units"]:
    systemd.service(service=name, running=True, enabled=True)
systemd.service(service=WANTED["disabled"], running=False, enabled=False)
