"""A control plane that is shut down or restarted: its API server leaves the load balancers before anything ends.

At a shutdown systemd ends all containers at once. The API server would be ready for as long as it
takes to see that its etcd is gone, and what is asked meanwhile would fail. So a unit that systemd stops
before any container tells the API server to end: for `shutdown-delay-duration` it says that it is not
ready, and goes on to serve.
"""

from __future__ import annotations

from typing import Any

from config import Machine, Node

UNIT = "helicon-api-server-leaves.service"
SCRIPT = "/usr/local/libexec/helicon-api-server-leaves"
SECONDS = 4
"""Less than the API server's `shutdown-delay-duration`, more than load balancers take to ask again."""
_RUNTIMES = ("cri-containerd", "docker")
"""What the names of containers' scopes begin with (the runtimes' systemd cgroup drivers)."""

_SCRIPT = f"""#!/bin/sh
[ "$(systemctl is-system-running)" = stopping ] || exit 0
for process in /proc/[0-9]*; do
  {{ read -r name < "$process/comm"; }} 2>/dev/null || continue
  if [ "$name" = kube-apiserver ]; then kill -TERM "${{process#/proc/}}" && sleep {SECONDS}; fi
done
exit 0
"""
_UNIT = f"""[Unit]
Description=The API server leaves the load balancers before this machine shuts down
After=network-online.target containerd.service docker.service kubelet.service haproxy.service keepalived.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop={SCRIPT}
TimeoutStopSec={SECONDS + 10}

[Install]
WantedBy=multi-user.target
"""
_BEFORE = f"[Unit]\nBefore={UNIT}\n"


def files(machine: Machine) -> dict[str, Any]:
    """The script, and the order of containers' scopes; of control planes only."""
    if not _has_api_server(machine):
        return {}
    orders = {f"/etc/systemd/system/{one}-.scope.d/helicon.conf": _file(_BEFORE) for one in _RUNTIMES}
    return {SCRIPT: _file(_SCRIPT, "0755"), **orders}


def units(machine: Machine) -> dict[str, Any]:
    """The unit; of control planes only."""
    wanted = {"content": _UNIT, "enabled": True, "active": True}
    return {UNIT: wanted} if _has_api_server(machine) else {}


def _has_api_server(machine: Machine) -> bool:
    return isinstance(machine, Node) and machine.is_control_plane


def _file(content: str, mode: str = "0644") -> dict[str, Any]:
    return {"content": content, "mode": mode, "owner": "root", "group": "root"}
