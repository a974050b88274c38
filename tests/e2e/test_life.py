"""One whole life of a rack: plan, build, no change, drift, grow, shrink, fail, recover, and give back.

The tests build on each other, in this order, on one rack.
"""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from lab.boards import files, power
from lab.shell import say
from tests.e2e.rack import TestRack, eventually

pytestmark = pytest.mark.lab
STATE_AT_END = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""What docs/large-racks.md advises for the first run of many machines."""
KILLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Kernel", STATE_AT_END),
    ("Software", {}),
    ("Membership", {}),
)
"""Resource types whose first line in the output is where an `up` is ended by SIGKILL; and its environment."""


def test_a_preview_writes_to_no_host(rack: TestRack) -> None:
    """The plan names every machine's resources; the boards' files stay as they are."""
    marks = rack.marks()
    text = rack.pulumi("preview")
    assert "cp-1-membership" in text
    assert rack.written(marks) == []
    assert rack.changed(rack.before, living=True) == []


@pytest.mark.parametrize(("kind", "env"), KILLS)
def test_a_killed_run_can_be_followed_by_another(rack: TestRack, kind: str, env: dict[str, str]) -> None:
    """SIGKILL while resources of this kind are made; what is left over is no obstacle.

    Nor is it one that an engine that writes its state at the end knew of none of them.
    """
    seen = rack.killed("up", lambda text: f"helicon:{kind} " in text and "creating" in text, env)
    assert "helicon:" in seen
    state = rack.program.place / "state"
    kept = list(state.rglob("*.json"))
    assert kept and not list(state.rglob("*.attrs"))  # what a kill could leave broken
    assert any("-access" in path.read_text() for path in kept) is (env != STATE_AT_END)


def test_up_builds_a_cluster_that_works(rack: TestRack) -> None:
    """Every node is Ready, the program's own proof has passed, and no pod came before its node's network."""
    rack.up()
    rack.program.write_kubeconfig()
    assert rack.nodes() == dict.fromkeys(("cp-1", "cp-2", "cp-3", "w-1", "w-2"), True)
    events = json.loads(rack.kubectl("get", "events", "-A", "-o", "json"))["items"]
    assert not [one for one in events if one["reason"] == "FailedCreatePodSandBox"]


def test_the_second_up_changes_nothing(rack: TestRack) -> None:
    """No change is reported, nothing but reading is executed, no file of any board is touched."""
    pictures = {name: files.snapshot(board) for name, board in rack.boards.items()}
    marks = rack.marks()
    text = rack.up()
    for word in ("created", "updated", "deleted", "replaced"):
        assert f" {word}" not in text.partition("Resources:")[2], text
    assert rack.written(marks) == []
    assert rack.changed(pictures, living=True) == []
    # the preflight and the refresh ask the machines: one command as root each, one round trip each
    assert rack.asked(marks) == dict.fromkeys(("lb-1", "cp-1", "cp-2", "cp-3", "w-1", "w-2"), 2) | {"w-3": 0}


def test_the_state_holds_no_secret_in_plain(rack: TestRack) -> None:
    """The state file names no private key, and the kubeconfig's key is not in it."""
    state = "".join(path.read_text() for path in (rack.program.place / "state").rglob("*.json"))
    assert "PRIVATE KEY" not in state
    config_text = json.loads(rack.program.kubeconfig.read_text())
    key = config_text["users"][0]["user"]["client-key-data"]
    assert key not in state


def test_kubectl_top_knows_the_nodes(rack: TestRack) -> None:
    """metrics-server has asked every kubelet."""

    eventually("kubectl top nodes", lambda: rack.kubectl("top", "nodes").count("%") >= 2 * 5, 240)


def test_drift_is_named_and_mended(rack: TestRack) -> None:
    """A file, a sysctl and a service are damaged: refresh names all three, up mends them."""
    rack.root("w-1", "sh", "-c", "echo damaged >> /etc/containerd/config.toml")
    rack.root("w-1", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    rack.root("lb-1", "systemctl", "stop", "haproxy")
    text = rack.pulumi("preview", "--diff")
    for word in ("containerd", "net.ipv4.ip_forward", "haproxy"):
        assert word in text, text
    rack.up()
    assert rack.root("w-1", "sysctl", "-n", "net.ipv4.ip_forward").strip() == "1"
    assert rack.root("lb-1", "systemctl", "is-active", "haproxy").strip() == "active"
    assert "damaged" not in rack.root("w-1", "cat", "/etc/containerd/config.toml")


def test_a_changed_label_is_a_diff_and_an_update(rack: TestRack) -> None:
    """The node carries the new value."""
    rack.configure(
        lambda one: one["helicon:nodes"]["w-1"].setdefault("labels", {}).update({"example.test/row": "7"})
    )
    assert "example.test/row" in rack.pulumi("preview", "--diff")
    rack.up()
    assert rack.kubectl("get", "node", "w-1", "-o", r"jsonpath={.metadata.labels.example\.test/row}") == "7"


def test_a_step_of_the_user_s_own_runs_once(rack: TestRack) -> None:
    """Its input reaches the machine, and a secret one neither the output nor the state; destroy undoes it."""
    step = {
        "name": "note",
        "create": "sudo tee -a /etc/note",
        "delete": "sudo rm /etc/note",
        "secret": True,
    }
    rack.configure(lambda one: one["helicon:nodes"]["w-1"].update({"commands": [step]}))
    rack.set_secret("helicon:nodes.w-1.commands[0].stdin", "hunter2-hunter2")
    shown = rack.up() + rack.up()
    assert rack.root("w-1", "cat", "/etc/note") == "hunter2-hunter2"
    assert "hunter2" not in shown + rack.pulumi("stack", "export")


def test_a_worker_is_added(rack: TestRack) -> None:
    """It becomes Ready, and no other machine's resource changes."""
    spare = {"address": "10.124.0.33", "roles": ["worker"]}
    rack.configure(lambda one: one["helicon:nodes"].update({"w-3": spare}))
    text = rack.up()
    assert rack.nodes()["w-3"]
    touched = [line for line in text.splitlines() if "dynamic/helicon:" in line and " updated (" in line]
    assert all("readiness" in line for line in touched), touched


def test_a_worker_is_removed(rack: TestRack) -> None:
    """Its node is gone and the board is as it was; nobody else's resource changes."""
    rack.configure(lambda one: one["helicon:nodes"].pop("w-3"))
    text = rack.up()
    assert "w-3" not in rack.nodes()
    touched = [line for line in text.splitlines() if "dynamic/helicon:" in line and " updated (" in line]
    assert all("readiness" in line for line in touched), touched
    after = files.snapshot(rack.boards["w-3"])
    assert files.compare(rack.before["w-3"], after, files.LEFT) == []


def test_the_api_outlives_a_control_plane(rack: TestRack) -> None:
    """One is cut off: the API answers through the load balancer."""
    power.cut(rack.boards["cp-1"])
    eventually("the API answers without cp-1", rack.answers, 60)
    power.power_on(rack.boards["cp-1"])
    eventually("cp-1 is Ready again", lambda: rack.nodes()["cp-1"], 240)


def test_an_up_mends_the_endpoint_while_the_api_is_down(rack: TestRack) -> None:
    """HAProxy is stopped and an API server's manifest is gone: nothing leaves the state, both come back."""
    before = rack.pulumi("stack", "export")
    rack.root("lb-1", "systemctl", "stop", "haproxy")
    rack.root("cp-2", "rm", "/etc/kubernetes/manifests/kube-apiserver.yaml")
    rack.up()
    eventually("the API answers", rack.answers)
    after = rack.pulumi("stack", "export")
    assert before.count('"urn"') == after.count('"urn"')
    rack.root("cp-2", "test", "-e", "/etc/kubernetes/manifests/kube-apiserver.yaml")


def test_one_board_off_stops_no_other(rack: TestRack) -> None:
    """`up` changes every other machine and fails for the one that is off, by name."""
    power.cut(rack.boards["w-2"])
    somaxconn = {"net.core.somaxconn": "4321"}
    rack.configure(lambda one: one["helicon:defaults"].setdefault("sysctl", {}).update(somaxconn))
    rack.configure(lambda one: one["helicon:defaults"]["connection"].update({"deadline": 20}))
    text = rack.up(check=False)
    assert "Unreachable: w-2 (10.124.0.32)" in text
    for name in ("lb-1", "cp-1", "cp-2", "cp-3", "w-1"):
        assert rack.root(name, "sysctl", "-n", "net.core.somaxconn").strip() == "4321", name
    power.power_on(rack.boards["w-2"])
    eventually("w-2 is Ready again", lambda: rack.nodes()["w-2"], 240)
    rack.up()
    assert rack.root("w-2", "sysctl", "-n", "net.core.somaxconn").strip() == "4321"


def test_another_key_user_and_port(rack: TestRack) -> None:
    """The stack file names a new way in: the next up takes it, although the state knows the old one."""
    place = rack.program.place / "ssh" / "another"
    place.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place)], check=True)
    public = place.with_suffix(".pub").read_text().strip()
    script = (
        "set -e; id deputy >/dev/null 2>&1 || useradd -m -s /bin/bash deputy; mkdir -p /home/deputy/.ssh; "
        'echo "$1" > /home/deputy/.ssh/authorized_keys; chown -R deputy /home/deputy; '
        "echo 'deputy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deputy; "
        "echo 'Port 2222' > /etc/ssh/sshd_config.d/port.conf; "
        "mv /home/pi/.ssh/authorized_keys /home/pi/.ssh/former; systemctl restart ssh"
    )
    for name in rack.boards:
        rack.root(name, "bash", "-c", script, "deputy", public)
    shutil.copyfile(
        rack.program.place / f"known_hosts.{rack.lab.name}", rack.program.place / "known_hosts.ported"
    )
    hosts = rack.program.place / "known_hosts.ported"
    lines = [line.split(" ", 1) for line in hosts.read_text().splitlines()]
    hosts.write_text("".join(f"[{address}]:2222 {key}\n" for address, key in lines))
    way = {"user": "deputy", "port": 2222, "identity_file": f".lab/{rack.lab.name}/ssh/another"}
    known = f".lab/{rack.lab.name}/known_hosts.ported"
    rack.configure(lambda one: one["helicon:defaults"]["connection"].update({**way, "known_hosts": known}))
    rack.up()
    assert rack.pulumi("preview").count("error") == 0


def test_a_targeted_destroy_drains_its_worker(rack: TestRack) -> None:
    """One worker leaves by the rules: its node is gone, the cluster lives."""
    urns = [one["urn"] for one in json.loads(rack.pulumi("stack", "export"))["deployment"]["resources"]]
    target = [urn for urn in urns if urn.endswith("::w-2-membership")]
    rack.destroy("--target", target[0], "--target-dependents")
    assert "w-2" not in rack.nodes()
    assert rack.answers()


def test_destroy_gives_the_boards_back(rack: TestRack) -> None:
    """Also after it was killed in the middle: the files are as before, but for a short list."""
    rack.killed("destroy", lambda text: "helicon:Membership " in text and "deleted" in text)
    rack.destroy()
    paths = ["/home/deputy", "/home/pi/.ssh", "/etc/ssh/sshd_config.d/port.conf", "/etc/sudoers.d/deputy"]
    paths += [f"/etc/{name}" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")]
    left = rack.changed(rack.before, living=False, but=dict.fromkeys(paths, "made by this test"))
    say("\n".join(left))
    assert left == []
