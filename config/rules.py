"""What must hold between parts: each rule looks at a draft and reports, and skips what is amiss already."""

from __future__ import annotations

import re
from collections.abc import Callable

from config import versions
from config.draft import Draft
from config.external_etcd import EtcdMemberSettings
from config.machines import ARCHITECTURES_OF_NODES, NodeSettings
from config.problems import Path, render, show
from config.rules_authority import AUTHORITY_RULES
from config.rules_balancing import BALANCING_RULES
from config.rules_boot import contradictions
from config.rules_control_plane import CONTROL_PLANE_RULES
from config.rules_external_etcd import ETCD_RULES, external
from config.rules_network import NETWORK_RULES
from config.rules_software import forms, sources
from config.rules_storage import STORAGE_RULES
from config.rules_system import SYSTEM_RULES
from config.rules_vip import VIP_RULES
from config.scalars import LABEL, hostname_suggestion

Rule = Callable[[Draft], None]
_OURS = (
    "kubernetes.io/hostname",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node-role.kubernetes.io/control-plane",
)
"""Labels that the kubelet or kubeadm sets and would set again."""
_NEEDED_MODULES = ("overlay", "br_netfilter")


def apply(draft: Draft) -> None:
    """Check all rules."""
    for rule in RULES:
        rule(draft)


def check_name(draft: Draft, path: Path) -> None:
    """A machine's name names its resources, and is its host name unless another is given."""
    name = str(path[-1])
    if not re.fullmatch(LABEL, name):
        draft.report(
            path,
            expected="a machine name (RFC 1123: lower-case letters, digits, hyphens, at most 63)",
            found=show(name),
            suggestion=hostname_suggestion(name),
        )


def _names(draft: Draft) -> None:
    """A name stands for one machine."""
    seen: dict[str, Path] = {}
    for path, _ in draft.machines():
        name = str(path[-1])
        if name in seen:
            _report_double(draft, path, "a name", name, seen[name])
        seen.setdefault(name, path)


def _hostnames(draft: Draft) -> None:
    """No two machines have one host name."""
    seen: dict[str, Path] = {}
    for path, machine in draft.machines():
        hostname = machine.hostname or str(path[-1])
        where = draft.origin(path, "hostname") if machine.hostname else path
        if hostname in seen and seen[hostname][1:2] != path[1:2]:
            _report_double(draft, where, "a host name", hostname, seen[hostname])
        seen.setdefault(hostname, where)


def _report_double(draft: Draft, path: Path, what: str, found: str, other: Path) -> None:
    suggestion = f"{render(other)} has it already."
    draft.report(path, expected=f"{what} of its own", found=show(found), suggestion=suggestion)


def _control_planes(draft: Draft) -> None:
    """Each control plane holds an etcd member, unless etcd has machines of its own: quorum wants an odd number."""
    raw = draft.raw.get("nodes") or {}
    if not isinstance(raw, dict) or len(raw) != len(draft.nodes) or _roles_amiss(draft):
        return
    names = [name for name, node in draft.nodes.items() if "control-plane" in node.roles]
    if not names:
        suggestion = "Give one node, or three, roles: [control-plane]."
        draft.report(("nodes",), expected="at least one control plane", found="none", suggestion=suggestion)
    elif len(names) % 2 == 0 and not external(draft):
        expected = "an odd number of control planes (each is an etcd member)"
        suggestion = (
            f"Add or remove one: {len(names)} members survive no more failures than {len(names) - 1} do."
        )
        draft.report(
            ("nodes",), expected=expected, found=f"{len(names)}: {', '.join(names)}", suggestion=suggestion
        )


def _roles_amiss(draft: Draft) -> bool:
    return any(draft.amiss("nodes", name, "roles") for name in draft.nodes)


def _architectures(draft: Draft) -> None:
    """Kubernetes no longer runs on 32-bit ARM."""
    for name, node in draft.nodes.items():
        if node.architecture not in ARCHITECTURES_OF_NODES:
            draft.report(
                draft.origin(("nodes", name), "architecture"),
                expected="arm64 or amd64 for a node",
                found=show(node.architecture),
                suggestion=_reason(node.architecture),
            )


def _reason(architecture: str) -> str:
    balancer = "or list the board under load_balancers, where it is welcome."
    if architecture == "armv6":
        never = 'Kubernetes never ran on ARMv6 (Pi 1, Zero): no version, only "Illegal instruction".'
        return f"{never} Take another board, {balancer}"
    ended = f"The last Kubernetes for 32-bit ARM was {versions.LAST_ARMV7}."
    return f"{ended} Install a 64-bit system (Pi 3 and later can), {balancer}"


def _runtimes(draft: Draft) -> None:
    """From 1.37 on the kubelet needs containerd 2, which Debian 13 does not have."""
    cluster = draft.cluster
    if (
        not cluster
        or draft.amiss("cluster", "kubernetes")
        or not versions.needs_containerd_2(cluster.kubernetes)
    ):
        return
    for path, machine in _with_containerd(draft):
        if isinstance(machine, NodeSettings) and machine.runtime == "docker":
            continue
        series, source = machine.containerd.series, machine.containerd.source
        if series and versions.number(series) < (2,):
            _report_runtime(draft, path, "version", show(machine.containerd.version))
        elif not series and source == "distribution":
            found = f'"{source}" (Debian 13 has {versions.DISTRIBUTION_CONTAINERD})'
            _report_runtime(draft, path, "source", found)


def _with_containerd(draft: Draft) -> list[tuple[Path, NodeSettings | EtcdMemberSettings]]:
    return [
        (path, one) for path, one in draft.machines() if isinstance(one, NodeSettings | EtcdMemberSettings)
    ]


def _report_runtime(draft: Draft, machine: Path, key: str, found: str) -> None:
    kubernetes = draft.cluster.kubernetes if draft.cluster else ""
    suggestion = (
        "Choose source: docker (its containerd.io is 2.x), or artifacts with a bundle that holds "
        "containerd 2; or stay with Kubernetes 1.36."
    )
    expected = f"containerd 2 for Kubernetes {kubernetes}"
    draft.report(_runtime_path(draft, machine, key), expected=expected, found=found, suggestion=suggestion)


def _runtime_path(draft: Draft, machine: Path, key: str) -> Path:
    """Where a machine's containerd setting was written; in the defaults where nobody wrote it."""
    return draft.written(machine, "containerd", key) or ("defaults", "containerd", key)


def _bundle(draft: Draft) -> None:
    """What comes from a bundle needs one."""
    if "artifacts" in draft.raw:
        return
    for path, machine in _with_containerd(draft):
        if machine.containerd.source == "artifacts":
            draft.report(
                _runtime_path(draft, path, "source"),
                expected="a source that exists",
                found='"artifacts", and no bundle',
                suggestion="Add artifacts: {source: DIRECTORY}, or choose source: distribution or docker.",
            )


def _modules(draft: Draft) -> None:
    """A list of modules replaces the default; what the container runtime needs must stay in it."""
    for name, node in draft.nodes.items():
        missing = [module for module in _NEEDED_MODULES if module not in node.modules]
        path = draft.origin(("nodes", name), "modules")
        if missing and not draft.amiss(*path):
            whole = ", ".join([*missing, *node.modules])
            expected = f"a list with {' and '.join(missing)}"
            suggestion = f"A list replaces the default; write modules: [{whole}]."
            draft.report(path, expected=expected, found=show(list(node.modules)), suggestion=suggestion)


def _labels(draft: Draft) -> None:
    """Labels that belong to the kubelet or kubeadm are theirs."""
    for name, node in draft.nodes.items():
        for key in node.labels:
            if key in _OURS:
                path = draft.origin(("nodes", name), "labels", key)
                suggestion = "Remove it: the kubelet or kubeadm sets it."
                draft.report(path, expected="a label of your own", found=show(key), suggestion=suggestion)


def _doubles(draft: Draft) -> None:
    """Steps have names of their own, and a node one taint for each key and effect."""
    for path, machine in draft.machines():
        _report_doubles(draft, path, "commands", [command.name for command in machine.commands])
        if isinstance(machine, NodeSettings):
            _report_doubles(
                draft, path, "taints", [f"{taint.key}:{taint.effect}" for taint in machine.taints]
            )


def _report_doubles(draft: Draft, machine: Path, key: str, names: list[str]) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            path = draft.origin(machine, key, at)
            suggestion = f"{render(draft.origin(machine, key, names.index(name)))} is the same."
            draft.report(path, expected="an entry of its own", found=show(name), suggestion=suggestion)


RULES: tuple[Rule, ...] = (
    _names,
    _hostnames,
    *NETWORK_RULES,
    *BALANCING_RULES,
    *VIP_RULES,
    *SYSTEM_RULES,
    *STORAGE_RULES,
    *CONTROL_PLANE_RULES,
    _control_planes,
    *ETCD_RULES,
    _architectures,
    _runtimes,
    _bundle,
    sources,
    forms,
    _modules,
    _labels,
    _doubles,
    contradictions,
    *AUTHORITY_RULES,
)
"""All rules, in the order in which their problems are reported."""
