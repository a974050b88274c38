"""A small sound rack, and mistakes to put into it: what is changed, and the path that must be reported."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

from config.problems import Path

Raw = dict[str, Any]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
_SOUND: Raw = {
    "cluster": {"kubernetes": "1.36.3", "endpoint": "api.example.com"},
    "network": {},
    "authority": {},
    "addons": {"metrics_server": {}},
    "defaults": {"subnet": "10.0.0.0/24", "connection": {"user": "pi"}, "sysctl": {}},
    "load_balancers": {"lb-1": {"address": "10.0.0.9", "architecture": "armhf"}},
    "nodes": {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "cp-2": {"address": "10.0.0.12", "roles": ["control-plane"]},
        "cp-3": {"address": "10.0.0.13", "roles": ["control-plane"]},
        "w-1": {"address": "10.0.0.21", "labels": {"my.topology/rack": "one"}},
        "w-2": {"address": "10.0.0.22", "connection": {"port": 2222}},
    },
}


def sound() -> Raw:
    """A rack without a problem; each call gives another copy."""
    return copy.deepcopy(_SOUND)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One wrong value: where it is put, and where the problem is reported (there, unless said)."""

    at: Path
    value: Any
    says: str
    """A part of the line that is reported."""
    reported: Path = ()
    shows: bool = True
    """Whether the JSON Schema, too, can see it."""

    @property
    def path(self) -> Path:
        """The path that the problem must have."""
        return self.reported or self.at

    def put(self, raw: Raw) -> Raw:
        """The rack with the mistake."""
        inside: Any = raw
        for step in self.at[:-1]:
            inside = inside.setdefault(step, {}) if isinstance(inside, dict) else inside[step]
        inside[self.at[-1]] = copy.deepcopy(self.value)
        return raw


def _at(path: str, value: Any, says: str, reported: str = "") -> Mistake:
    return Mistake(at=_path(path), value=value, says=says, reported=_path(reported))


def _beyond(path: str, value: Any, says: str, reported: str = "") -> Mistake:
    """A mistake that no schema can see: in how values go together, or of a kind that patterns say badly."""
    return replace(_at(path, value, says, reported), shows=False)


def _path(text: str) -> Path:
    return tuple(int(step) if step.isdecimal() else step for step in text.split(" ") if step)


MISTAKES = (
    _at("nods", {}, 'Did you mean "nodes"?'),
    _at("cluster kubernets", "1.36.3", 'Did you mean "kubernetes"?'),
    _at("nodes w-1 adress", "10.0.0.21", 'Did you mean "address"?'),
    _at("defaults clock npt", [], 'Did you mean "ntp"?'),
    _at("addons metrics_server resolutoin", "60s", 'Did you mean "resolution"?'),
    _at("cluster endpoint_port", "6443", "Remove the quotes: 6443."),
    _at("cluster endpoint_port", 70000, "at most 65535"),
    _at("nodes w-1 connection port", 0, "at least 1"),
    _at("cluster schedulable_control_planes", "yes", "true or false"),
    _at("cluster ignore_preflight_errors", "Swap", 'Put it into brackets: ["Swap"].'),
    _at("network", [], "a mapping"),
    _at("nodes w-1", "10.0.0.21", "a mapping"),
    _at("cluster kubernetes", 1.36, 'Put quotes around it: "1.36".'),
    _at("cluster kubernetes", "1.36", "Write all three numbers"),
    _at("cluster kubernetes", "v1.36.3", 'Write "1.36.3", without v.'),
    _at("cluster kubernetes", "1.33.4", "from 1.34 to 1.37"),
    _at("cluster kubernetes", "1.38.0", "from 1.34 to 1.37"),
    _beyond("cluster kubernetes", "1.37.1", "source: docker", "defaults containerd source"),
    _at("cluster kube_proxy", {"mode": "ipvs"}, "deprecated since 1.35", "cluster kube_proxy mode"),
    _beyond("cluster pod_cidr", "10.244.0.1/16", 'Did you mean "10.244.0.0/16"?'),
    _beyond("cluster pod_cidr", "10.0.0.0/16", "apart from defaults.subnet"),
    _beyond("cluster pod_cidr", "10.100.0.0/16", "apart from cluster.service_cidr"),
    _beyond("cluster service_cidr", "10.244.64.0/18", "apart from cluster.pod_cidr"),
    _beyond("cluster pod_cidr", "172.30.0.0/22", "room for 5 nodes"),
    _beyond("cluster service_cidr", "172.0.0.0/11", "from /12 to /28"),
    _beyond("cluster node_cidr_mask", 12, "from 16 to 32"),
    _beyond("cluster endpoint", "10.0.0.21", 'Did you mean "10.0.0.9"?'),
    _beyond("cluster endpoint", "10.0.0", "a name or an IPv4 address"),
    _beyond("cluster endpoint_address", "10.0.0.22", 'Did you mean "10.0.0.9"?'),
    _at("cluster etcd", {"quota": 1}, "at least 16777216", "cluster etcd quota"),
    _at("cluster timeouts", {"discovry": "5m"}, 'Did you mean "discovery"?', "cluster timeouts discovry"),
    _at("cluster timeouts", {"discovery": "5 min"}, "a duration", "cluster timeouts discovery"),
    _at("addons metrics_server resolution", "60", "a duration"),
    _beyond("authority early_renewal_hours", 9000, "less than validity_hours"),
    _beyond("authority validity_hours", 99999, "at most ca_validity_hours"),
    _beyond(
        "authority cas", {"etcd": {"current": 2}}, "Write trusted: [1, 2].", "authority cas etcd trusted"
    ),
    _beyond(
        "authority supplied",
        {"etcd": {"certificate": "ca.crt", "key": "ca.key", "generation": 3}},
        "authority.cas.etcd trusts (1)",
        "authority supplied etcd generation",
    ),
    _at(
        "authority supplied",
        {"etdc": {"certificate": "ca.crt", "key": "ca.key"}},
        'Did you mean "etcd"?',
        "authority supplied etdc",
    ),
    _beyond(
        "authority kubeconfigs",
        {"alice": {"groups": ["a", "b"]}},
        "Write [a]",
        "authority kubeconfigs alice groups",
    ),
    _beyond(
        "authority kubeconfigs",
        {"system:x": {}},
        "Kubernetes' own",
        "authority kubeconfigs system:x",
    ),
    _at("preflight", {"enabled": "no"}, "true or false", "preflight enabled"),
    _at("preflight", {"tolerate": ["memroy"]}, 'Did you mean "memory"?', "preflight tolerate 0"),
    _at("artifacts", {}, "Directory of the bundle", "artifacts source"),
    _beyond("defaults containerd", {"source": "artifacts"}, "Add artifacts", "defaults containerd source"),
    _at("defaults runtime", "crio", "containerd"),
    _at("defaults docker", {"log_max_size": "100 MB"}, "docker", "defaults docker log_max_size"),
    _at("defaults software", {"upgrade": {"level": "full"}}, "upgrade", "defaults software upgrade level"),
    _beyond("defaults software", {"repositories": {"own": {}}}, "apt", "defaults software repositories own"),
    _beyond("defaults modules", ["nfs"], "write modules: [overlay, br_netfilter, nfs]"),
    _at("defaults sysctl net.ipv4.ip_forward", True, "Write 1 or 0"),
    _at("defaults sysctl net.ipv4.ip_forward", [1], "text"),
    _at("defaults swap", False, 'Put quotes around it: "off".'),
    _at("defaults boot", {"present": ["quiet splash"]}, "one word", "defaults boot present 0"),
    _beyond(
        "nodes w-2 boot",
        {"present": ["a=1", "quiet"], "absent": ["quiet"]},
        "nodes.w-2.boot.present[1]",
        "nodes w-2 boot absent 0",
    ),
    _at("defaults connection password", "hush", "(hidden)"),
    _at("nodes w-2 connection passphrase", "hush", "identity_file, or agent: true"),
    _at("nodes w-2 connection identity_file", "-----BEGIN OPENSSH PRIVATE KEY-----\nx", "(hidden)"),
    _beyond("nodes w-2 connection identity_file", "~/.ssh/id_rsa.pub", 'Did you mean "~/.ssh/id_rsa"?'),
    _at("nodes w-2 connection host_key", "SHA256:abcdef", "ssh-keyscan"),
    _beyond("nodes w-2 connection bastion", {"user": "me"}, "Add it", "nodes w-2 connection bastion address"),
    _beyond("nodes w-2 address", "10.0.1.22", 'Did you mean "10.0.0.22"?'),
    _beyond("nodes w-2 address", "10.0.0.255", "inside 10.0.0.0/24"),
    _beyond("nodes w-2 address", "10.0.0.11", "nodes.cp-1.address has it already"),
    _beyond("nodes w-2 address", "10.0.0.9", "load_balancers.lb-1.address has it already"),
    _at("nodes w-2 address", "10.0.0.300", "an IPv4 address"),
    _at("nodes w-2 address", "fd00::1", "an IPv4 address"),
    _beyond("nodes w-2 hostname", "cp-1", "nodes.cp-1 has it already"),
    _beyond("nodes w-2 hostname", "lb-1", "load_balancers.lb-1 has it already"),
    _at("nodes w-2 hostname", "W-2", 'Write "w-2".'),
    _at("nodes w-2 hostname", "w_2.example.com", 'Write "w-2" and "domain: example.com".'),
    _at("nodes W-3", {"address": "10.0.0.23"}, 'Write "w-3".'),
    _beyond("nodes lb-1", {"address": "10.0.0.23"}, "load_balancers.lb-1 has it already"),
    _at("nodes w-2 roles", ["wroker"], 'Did you mean "worker"?', "nodes w-2 roles 0"),
    _at("nodes w-2 roles", ["master"], 'Did you mean "control-plane"?', "nodes w-2 roles 0"),
    _at("nodes w-2 roles", [], "at least 1 in the list"),
    _beyond("nodes cp-2 roles", ["worker"], "2: cp-1, cp-3", "nodes"),
    _at("nodes w-2 architecture", "armhf", "was 1.26"),
    _at("nodes w-2 architecture", "armv6", "never ran on ARMv6"),
    _at("nodes w-2 architecture", "aarch64", 'Did you mean "arm64"?'),
    _at("load_balancers lb-1 architecture", "mips", "dpkg --print-architecture"),
    _at("nodes w-2 labels", {"a/b/c": "d"}, "a label key", "nodes w-2 labels a/b/c"),
    _at("nodes w-1 labels my.topology/rack", "-one", "a label value"),
    _at("nodes w-1 labels my.topology/row", 2, 'Put quotes around it: "2".'),
    _beyond("nodes w-1 labels kubernetes.io/hostname", "w-1", "the kubelet or kubeadm sets it"),
    _at("nodes w-1 taints", [{"key": "a", "effect": "NoShedule"}], "NoSchedule", "nodes w-1 taints 0 effect"),
    _beyond(
        "nodes w-1 taints",
        [{"key": "a", "effect": "NoExecute"}, {"key": "a", "value": "b", "effect": "NoExecute"}],
        "nodes.w-1.taints[0] is the same",
        "nodes w-1 taints 1",
    ),
    _at("nodes w-1 commands", [{"name": "led"}], "Command that does it", "nodes w-1 commands 0 create"),
    _at("nodes w-1 files", {"etc/motd": {"content": ""}}, "an absolute path", "nodes w-1 files etc/motd"),
    _at(
        "nodes w-1 files",
        {"/etc/motd": {"content": "", "mode": 420}},
        'Put quotes around it: "0644".',
        "nodes w-1 files /etc/motd mode",
    ),
    _at("defaults storage", {"binds": {"/": "/a"}}, "an absolute path", "defaults storage binds /"),
    _beyond(
        "defaults storage",
        {"mounts": {"/boot/x": {"source": "LABEL=a"}}},
        "start without",
        "defaults storage mounts /boot/x",
    ),
    _beyond(
        "defaults storage",
        {"binds": {"/var/lib": "/srv/a"}},
        "Choose for example /var/lib/etcd",
        "defaults storage binds /var/lib",
    ),
    _beyond(
        "defaults storage",
        {"binds": {"/srv/../a": "/srv/b"}},
        "an absolute path",
        "defaults storage binds /srv/../a",
    ),
    _at(
        "nodes w-1 storage",
        {"mounts": {"/srv": {"source": "sda1"}}},
        "lsblk -o",
        "nodes w-1 storage mounts /srv source",
    ),
    _at(
        "nodes w-1 storage",
        {"mounts": {"/srv": {"source": "LABEL=a", "options": "ro, noatime"}}},
        "words with commas",
        "nodes w-1 storage mounts /srv options",
    ),
    _at(
        "nodes w-1 storage",
        {"mounts": {"/srv": {"source": "LABEL=a", "type": "ext 4"}}},
        "a type of file system",
        "nodes w-1 storage mounts /srv type",
    ),
    _beyond(
        "nodes w-1 storage",
        {"binds": {"/srv/a": "/srv/a/b"}},
        "a place apart from /srv/a",
        "nodes w-1 storage binds /srv/a",
    ),
    _beyond(
        "nodes w-1 storage",
        {"binds": {"/srv/a": "/d/a", "/srv/b": "/d/a"}},
        "Move one directory to one place",
        "nodes w-1 storage binds /srv/b",
    ),
    _beyond(
        "nodes w-1 storage",
        {"mounts": {"/d": {"source": "LABEL=a"}}, "binds": {"/srv/a": "/d"}},
        'Write "/d/a".',
        "nodes w-1 storage binds /srv/a",
    ),
    _beyond(
        "nodes w-1 storage",
        {"mounts": {"/d": {"source": "LABEL=a"}}, "binds": {"/d": "/srv"}},
        "storage.mounts, too",
        "nodes w-1 storage binds /d",
    ),
    _at("nodes w-1 units", {"ssh": {}}, "a systemd unit", "nodes w-1 units ssh"),
    _at("defaults users", {"Ann": {}}, "a user name", "defaults users Ann"),
    _at("defaults users", {"ann": {"keys": ["AAAAC3"]}}, "a public key", "defaults users ann keys 0"),
    _at("defaults users", {"ann": {"sudo": True}}, "'password'", "defaults users ann sudo"),
    _at("defaults sshd", {"Port": 23}, "The port is connection.port.", "defaults sshd Port"),
    _at("defaults sshd", {"PermitRotLogin": "no"}, '"PermitRootLogin"', "defaults sshd PermitRotLogin"),
    _beyond("defaults sshd", {"MaxAuthTries": "few"}, "a whole number", "defaults sshd MaxAuthTries"),
    _beyond(
        "defaults sshd",
        {"PermitRootLogin": "without-keys"},
        "prohibit-password",
        "defaults sshd PermitRootLogin",
    ),
    _beyond(
        "nodes w-1",
        {"address": "10.0.0.21", "connection": {"user": "root"}, "sshd": {"PermitRootLogin": False}},
        "a way in for root",
        "nodes w-1 sshd PermitRootLogin",
    ),
    _at("defaults timezone", "Europe/Paris!", "a time zone"),
    _at("defaults locale", {"LANG": "french"}, "fr_FR.UTF-8", "defaults locale LANG"),
    _at("defaults locale", {"LANGAGE": "C"}, "a variable of the locale", "defaults locale LANGAGE"),
    _at(
        "defaults certificates", {"corp": "corp.pem"}, "one certificate in PEM", "defaults certificates corp"
    ),
    _beyond("defaults disabled_services", ["ssh"], "does not need", "defaults disabled_services 0"),
    _at("defaults disabled_services", ["blue tooth"], "bluetooth", "defaults disabled_services 0"),
    _beyond(
        "nodes w-1",
        {"address": "10.0.0.21", "disabled_services": ["a"], "masked_services": ["a"]},
        "Leave it in masked_services",
        "nodes w-1 disabled_services 0",
    ),
    _beyond(
        "nodes w-1",
        {"address": "10.0.0.21", "masked_services": ["a"], "units": {"a.service": {}}},
        "nothing else manages",
        "nodes w-1 masked_services 0",
    ),
    _at("defaults upgrades", {"automatic": "on"}, "'security'", "defaults upgrades automatic"),
    _at("defaults logs", {"max_use": "64 MB"}, "64M", "defaults logs max_use"),
    _at("defaults keyboard", {"variant": "latin9"}, "Layout", "defaults keyboard layout"),
    _at("nodes w-1 packages", ["nfs common"], "a Debian package", "nodes w-1 packages 0"),
    _at(
        "load_balancers lb-1 haproxy",
        {"timeout_client": "3 h"},
        "HAProxy",
        "load_balancers lb-1 haproxy timeout_client",
    ),
)
"""One for each rule, and for each kind of wrong value."""
