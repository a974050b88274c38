"""The kubelet's unit and its extra arguments; its configuration comes from kubeadm."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core import service
from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.core.writing import put_all
from providers.membership.admin import KUBELET_CONF
from providers.software import package_managers
from providers.software.containerd_config import MARK

UNIT = "kubelet.service"
PACKAGED = "packaged"
MANAGED = "managed"
DEFAULTS_FILE = "/etc/default/kubelet"
SYSCONFIG = "/etc/sysconfig/kubelet"
"""The same file for the units of rpm packages."""
UNIT_FILE = "/etc/systemd/system/kubelet.service"
DROP_IN = "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
_FILES = (DEFAULTS_FILE, SYSCONFIG, UNIT_FILE, DROP_IN)
_BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
_ENABLED: Argv = ("systemctl", "is-enabled", UNIT)
_ENABLE = """
systemctl unmask --no-reload -q "$1" && systemctl enable --no-reload -q "$1" && systemctl daemon-reload &&
  systemctl try-restart "$1"
"""
_QUIET = """
systemctl stop "$1" 2>/dev/null
[ "$2" = enabled ] || systemctl disable -q "$1" 2>/dev/null
exit 0
"""
_RELOAD = """
systemctl daemon-reload; systemctl reset-failed "$1" 2>/dev/null; exit 0
"""
UNIT_TEXT = f"""{MARK}
[Unit]
Description=kubelet, the node agent of Kubernetes
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=kubelet
Restart=always
RestartSec=10
StartLimitInterval=0

[Install]
WantedBy=multi-user.target
"""
DROP_IN_TEXT = f"""{MARK}
# What kubeadm relies on: it writes config.yaml and kubeadm-flags.env when the machine joins.
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig={_BOOTSTRAP} --kubeconfig={KUBELET_CONF}"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-{DEFAULTS_FILE}
ExecStart=
ExecStart=kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""


@dataclass(frozen=True, kw_only=True)
class KubeletState:
    """Whose unit runs it, its extra arguments (None: no value), and whether it is enabled."""

    unit: str
    extra_args: dict[str, str | None] = field(default_factory=dict)
    enabled: str = "enabled"


class Kubelet(Thing[KubeletState]):
    """Enabled, not necessarily running: before the machine joins a cluster there is nothing to run with."""

    name = "kubelet"

    def parse(self, value: Json) -> KubeletState:
        """From {"unit": "packaged" or "managed", "extra_args": {"node-ip": "10.0.0.1"}}."""
        given = cast(dict[str, Json], value)
        args = cast(dict[str, str], given.get("extra_args", {}))
        return KubeletState(
            unit=str(given.get("unit", PACKAGED)),
            extra_args={key: None if one == ABSENT else str(one) for key, one in args.items()},
            enabled=str(given.get("enabled", "enabled")),
        )

    def render(self, state: KubeletState) -> Json:
        """To the same shape, with `enabled` only where it is amiss."""
        args: dict[str, Json] = {key: ABSENT if one is None else one for key, one in state.extra_args.items()}
        shown: dict[str, Json] = {"unit": state.unit, "extra_args": args}
        return shown if state.enabled == "enabled" else {**shown, "enabled": state.enabled}

    def questions(self, managed: KubeletState) -> Sequence[Argv]:
        """Which family it is, the files and the unit."""
        return [package_managers.QUESTION, *(("cat", path) for path in _FILES), _ENABLED]

    def observe(self, site: Site, managed: KubeletState) -> KubeletState:
        """The unit, the arguments in the file of defaults, and whether the unit is enabled."""
        program, defaults, sysconfig, unit, drop_in, enabled = site.host.ask(self.questions(managed))
        read = sysconfig if _args_file(program.text, managed) == SYSCONFIG else defaults
        found: dict[str, str | None] = dict.fromkeys(managed.extra_args)
        return KubeletState(
            unit=parse_unit(unit.text, drop_in.text),
            extra_args={**found, **parse_args(read.text)},
            enabled=enabled.text or "not installed",
        )

    def plan(self, current: KubeletState, desired: KubeletState) -> list[Change]:
        """One change for each argument that differs, and for the unit."""
        return differences(_flat(current, desired), _flat(desired, current))

    def apply(self, site: Site, changes: Sequence[Change], desired: KubeletState) -> None:
        """Write the files and enable the unit; a kubelet that runs is restarted."""
        program, enabled = site.host.ask([package_managers.QUESTION, _ENABLED])
        site.journal.remember(self.name, {"enabled": enabled.text or "absent"})
        if desired.unit != MANAGED:
            site.journal.restore_files([UNIT_FILE, DROP_IN])
        site.journal.keep_files(_FILES)
        own = {UNIT_FILE: UNIT_TEXT, DROP_IN: DROP_IN_TEXT} if desired.unit == MANAGED else {}
        put_all(site, {_args_file(program.text, desired): args_text(desired.extra_args), **own})
        done = site.host.run(["sh", "-c", _ENABLE, "enable", UNIT], timeout=120, check=False)
        if not done.ok:
            raise HostError(
                host=str(site.host),
                item=f"unit {UNIT}",
                expected="enabled",
                found=service.last_lines(done),
                next_step=f"systemctl cat {UNIT}; a kubelet without a package needs `unit: managed`",
            )

    def remove(self, site: Site, managed: KubeletState) -> None:
        """Stop it, and put the files back."""
        before = site.journal.recall(self.name, ["enabled"])
        if before:
            site.host.run(["sh", "-c", _QUIET, "quiet", UNIT, before["enabled"]], timeout=180)
        site.journal.restore_files(_FILES)
        site.host.run(["sh", "-c", _RELOAD, "reload", UNIT])
        site.journal.forget(self.name, before)

    def minus(self, old: KubeletState, new: KubeletState) -> KubeletState | None:
        """Arguments that left are a change of the one file, not a part to remove."""
        return None


def _args_file(program: str, state: KubeletState) -> str:
    """The file that the unit reads its extra arguments from; our own unit reads Debian's everywhere."""
    return SYSCONFIG if package_managers.uses_rpm(program) and state.unit != MANAGED else DEFAULTS_FILE


def args_text(args: dict[str, str | None]) -> str:
    """The file of defaults, as systemd reads it."""
    words = " ".join(f"--{key}={value}" for key, value in sorted(args.items()) if value is not None)
    return f'{MARK}\nKUBELET_EXTRA_ARGS="{words}"\n'


def parse_args(text: str) -> dict[str, str]:
    """The extra arguments in a file of defaults."""
    match = re.search(r"^KUBELET_EXTRA_ARGS=(.*)$", text, re.MULTILINE)
    words = " ".join(shlex.split(match[1])).split() if match else []
    pairs = (word.removeprefix("--").partition("=") for word in words)
    return {key: value for key, _, value in pairs}


def parse_unit(unit: str, drop_in: str) -> str:
    """Whose unit it is: ours when both files are, the package's when neither bears our mark."""
    if (unit, drop_in) == (UNIT_TEXT.rstrip(), DROP_IN_TEXT.rstrip()):
        return MANAGED
    return service.DIFFERS if MARK in unit + drop_in else PACKAGED


def _flat(state: KubeletState, other: KubeletState) -> dict[str, object]:
    args: dict[str, object] = {f"extra_args.{key}": None for key in other.extra_args}
    args |= {f"extra_args.{key}": value for key, value in state.extra_args.items()}
    return {**args, "unit": state.unit, "enabled": state.enabled}
