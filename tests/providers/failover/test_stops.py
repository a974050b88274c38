"""What stops in turn, that it is put back whatever happens, and that a rack which is ill is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import Rack, load
from providers.failover import __main__ as program
from providers.failover import check
from providers.failover.probe import Probe, Result
from providers.failover.stops import _START_API, _STOP_API, ASIDE, MANIFEST, ApiServerStop, ServiceStop, stops
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.local_host import LocalHost
from tests.scenarios import FakeRack

ACTIVE = "systemctl is-active haproxy keepalived"
LOOK = "<admin.look> * *"


def rack() -> Rack:
    """One load balancer and one control plane."""
    raw = {
        "cluster": {"kubernetes": "1.36.3", "endpoint": "10.0.0.10"},
        "load_balancers": {"lb-1": {"address": "10.0.0.10"}},
        "nodes": {"cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]}},
    }
    return load(raw, stack="lab")


def host(name: str, *commands: tuple[str, str]) -> FakeHost:
    """A machine that expects these commands."""
    expected = [Command(argv=pattern(line), answer=Answer(out=out)) for line, out in commands]
    return FakeHost(name, commands=expected)


def machines(*hosts: FakeHost) -> FakeRack:
    """The machines by name."""
    return FakeRack({one.name: one for one in hosts})


def test_what_runs_is_stopped_in_turn() -> None:
    """Services first, where they run, then API servers, then whole machines on request."""
    found = machines(host("lb-1", (ACTIVE, "active\nactive")), host("cp-1", (ACTIVE, "inactive\ninactive")))
    shown = [f"{one.machine.name} {one.what}" for one in stops(rack(), found, reboot=True)]
    assert shown == ["lb-1 haproxy", "lb-1 keepalived", "cp-1 kube-apiserver", "lb-1 reboot", "cp-1 reboot"]


def test_an_interruption_puts_back_what_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the middle of the wait."""
    balancer = host("lb-1", ("systemctl stop haproxy", ""), ("systemctl start haproxy", ""))
    stop = ServiceStop(machine=rack().load_balancers["lb-1"], what="haproxy")

    def interrupted(seconds: float) -> None:
        if seconds != check.LEAD:
            raise KeyboardInterrupt

    monkeypatch.setattr(check, "url", lambda rack, stop: "http://127.0.0.1:1/")
    monkeypatch.setattr("providers.failover.check.time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check.suffer(rack(), machines(balancer), stop, {}, 10.0)
    balancer.finish()


def test_a_rack_that_is_not_whole_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its API server, its services and its endpoint."""
    monkeypatch.setattr(check, "ask", lambda address: Probe(at=0, error="refused"))
    found = machines(
        host("cp-1", (LOOK, "yes\nyes")), host("lb-1", (LOOK, "no\nno"), (ACTIVE, "failed\ninactive"))
    )
    left = check.unwell(rack(), found, {"lb-1": ["haproxy"], "cp-1": []})
    assert "cp-1: API server not ready" in left and "lb-1: haproxy does not run" in left
    assert left[-1] == "https://10.0.0.10:6443/readyz?exclude=shutdown: refused"


def test_the_table_is_markdown() -> None:
    """One row for each stop."""
    stop = ApiServerStop(machine=rack().nodes["cp-1"], what="kube-apiserver")
    seen = Result(probes=60, failed=1, longest=0.41, error="refused")
    lines = check.table([check.Row(stop=stop, result=seen)]).splitlines()
    assert lines[0].split("|")[1].strip() == "machine"
    assert [one.strip() for one in lines[2].split("|")[1:-1]] == [
        "cp-1",
        "kube-apiserver",
        "60",
        "1",
        "0.4 s",
        "refused",
    ]


def test_an_unknown_stack_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is asked."""
    monkeypatch.chdir(tmp_path)
    assert program.main(["none"]) == 1
    assert "Pulumi.none.yaml" in capsys.readouterr().err


@pytest.mark.slow
def test_a_manifest_comes_back_and_never_over_a_newer_one(local_host: LocalHost) -> None:
    """Twice is fine, and what `pulumi up` has put there since stays."""
    local_host.write(MANIFEST, "first")
    for _ in range(2):
        local_host.run(["sh", "-c", _STOP_API, "stop", MANIFEST, ASIDE])
        assert local_host.read(MANIFEST) is None and local_host.read(ASIDE) == "first"
    for _ in range(2):
        local_host.run(["sh", "-c", _START_API, "start", MANIFEST, ASIDE])
        assert local_host.read(MANIFEST) == "first" and local_host.read(ASIDE) is None
    local_host.run(["sh", "-c", _STOP_API, "stop", MANIFEST, ASIDE])
    local_host.write(MANIFEST, "second")
    local_host.run(["sh", "-c", _START_API, "start", MANIFEST, ASIDE])
    assert local_host.read(MANIFEST) == "second" and local_host.read(ASIDE) is None
