"""The record of what SSH sessions execute."""

from __future__ import annotations

import shlex

import pytest
import yaml

from lab.boards import commands
from tests.scenarios import scenario_files

RECORD = """\
@@ 10.000001 (sshd) root /usr/sbin/sshd -D
@@ 11.000001 sshd root /usr/lib/openssh/sshd-session -D -R
@@ 11.000002 sshd root /usr/bin/env -i PATH=/usr/sbin:/usr/bin run-parts --lsbsysinit /etc/update-motd.d
@@ 11.000003 sshd pi bash -c sudo sh -c 'cat /etc/hostname
echo done'
@@ 11.000004 sshd root cat /etc/hostname
@@ 12.000001 systemd pi /usr/lib/systemd/systemd --user
@@ 12.000002 sshd-session root /usr/bin/rm /etc/hostname
"""


def command(line: str) -> commands.Executed:
    """A command line as root executed it."""
    return commands.Executed(at=1.0, user="root", line=line)


def test_only_sessions_count_and_logging_in_does_not() -> None:
    """Whole command lines, also of several lines, with time and user."""
    found = commands.parse(RECORD)
    assert [(entry.at, entry.user, entry.program) for entry in found] == [
        (11.000003, "pi", "bash"),
        (11.000004, "root", "cat"),
        (12.000002, "root", "rm"),
    ]
    assert found[0].line.endswith("\necho done'")
    assert found[2].arguments == "/etc/hostname"


def test_an_empty_record_has_no_entries() -> None:
    """A board that nobody logged in to."""
    assert commands.parse("") == []


def test_writers_are_those_not_known_to_read() -> None:
    """Of the record above, the one that removes a file."""
    assert [entry.program for entry in commands.writers(commands.parse(RECORD))] == ["rm"]


def test_what_things_ask_is_known_to_only_read() -> None:
    """Every question of the scenarios that is a command of its own; what a script runs shows on the boards."""
    asked = {
        " ".join(shlex.split(question))
        for path in scenario_files()
        for question in yaml.safe_load(path.read_text()).get("questions", {})
        if not question.startswith("<")
    }
    assert len(asked) > 100
    entries = [commands.Executed(at=0.0, user="root", line=line) for line in sorted(asked)]
    assert commands.writers(entries) == []


@pytest.mark.parametrize(
    "line",
    [
        "cat /etc/hosts",
        "systemctl show --property=ActiveState kubelet.service",
        "systemctl --no-pager is-enabled kubelet",
        "sysctl -n net.ipv4.ip_forward",
        "hostname",
        "hostnamectl status",
        "timedatectl show -p NTPSynchronized",
        "sed -n s/a/b/p /etc/hosts",
        "dpkg --print-architecture",
        "dpkg-query -W",
        "ctr -n k8s.io images ls -q",
        "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=5s get --raw /readyz",
        "find /etc -type f",
        "ip -4 route show default",
        "apt-mark showhold",
        "swapon --show=NAME",
        "mount",
        "containerd --version",
        "containerd config dump",
        "haproxy -c -q -f /etc/haproxy/haproxy.cfg",
        "rm -f /run/helicon.4711",
    ],
)
def test_questions_are_known_to_only_read(line: str) -> None:
    """What the managed things ask."""
    assert commands.writers([command(line)]) == []


@pytest.mark.parametrize(
    "line",
    [
        "tee /etc/hosts",
        "systemctl restart kubelet",
        "systemctl --now enable kubelet",
        "systemctl daemon-reload",
        "sysctl -w net.ipv4.ip_forward=1",
        "sysctl net.ipv4.ip_forward=1",
        "sysctl --system",
        "hostname cp-1",
        "hostnamectl set-hostname cp-1",
        "timedatectl set-ntp true",
        "sed -i s/a/b/ /etc/hosts",
        "sed -ni s/a/b/ /etc/hosts",
        "dpkg --configure -a",
        "ctr -n k8s.io images import /x.tar",
        "ctr -n k8s.io images rm x",
        "kubectl --kubeconfig /etc/kubernetes/admin.conf label node w-1 a=b",
        "find /etc -name x -delete",
        "ip link add dummy0 type dummy",
        "apt-mark hold kubelet",
        "apt-get update",
        "swapon -a",
        "swapoff -a",
        "mount /dev/vda /mnt",
        "containerd",
        "kubeadm init",
        "modprobe overlay",
        "haproxy -f /etc/haproxy/haproxy.cfg",
        "rm -f /run/helicon.4711/../../etc",
        "rm -rf /run/helicon",
        "touch /x",
        "a-program-nobody-knows",
    ],
)
def test_anything_else_counts_as_writing(line: str) -> None:
    """A program or a verb that is not on the list is suspected."""
    assert commands.writers([command(line)]) == [command(line)]
