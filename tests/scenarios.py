"""Scenarios as data: what a machine has, what is wanted, which commands may run, what is left.

One YAML file each, tests/scenarios/<thing>/<name>.yaml:

    kind: drift                     # create, no-op, drift, update, remove or error
    wanted: {net.ipv4.ip_forward: "1"}   # the property (kind remove: what is managed)
    old: {...}                      # kind update: the property before; what only it managed is removed first
    questions:                      # what the machine answers; text is its output with status 0
      hostname: cp-1
      cat /etc/fstab: {out: "", err: no such file, exit: 1}
      cat /proc/sys/net/ipv4/ip_forward: "0\n"
    plan:                           # the changes: field, what is, what shall be ("(absent)" stands for None)
      net.ipv4.ip_forward: ["0", "1"]
    commands:                       # the changes on the machine, in this order and no others
      - "<journal.remember> * sysctl * 0"
      - run: tee /etc/sysctl.d/99-helicon.conf
        stdin: "net.ipv4.ip_forward = 1\n"   # "*" for any; none given: there must be none
        out: ""                     # also: err, exit, secret: true
        then: {hostname: cp-2}      # answers that change with this command
      - upload kubelet /usr/bin/kubelet 0755   # Host.upload: the source's file name, target, mode
    afterwards: {hostname: cp-1}    # answers that have changed once all is done
    after: {...}                    # the property as observed then; without it: as wanted
    observed: {...}                 # optional: the property as observed before
    peers: {cp-2: {questions: {...}, commands: [...]}}   # other control planes of the rack
    error: {type: Refused, parts: [cp-1, "expected x"]}  # whatever stage raises it

How commands are written is told in tests/fake_host.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from providers.core import errors
from providers.core.errors import HostError
from providers.core.host import Argv, Host
from providers.core.journal import Journal
from providers.core.thing import ABSENT, Change, Site, Thing
from tests.fake_host import Answer, Command, FakeHost, pattern, shown
from tests.modules import module_named

ROOT = Path(__file__).parent / "scenarios"
KINDS = ("create", "no-op", "drift", "remove")
"""The scenario kinds that every thing must have."""
_MORE_KINDS = ("update", "error")
AnyThing = Thing[Any]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario file, as it is written."""

    kind: str
    wanted: Any
    old: Any = None
    questions: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, list[Any]] = field(default_factory=dict)
    commands: list[Any] = field(default_factory=list)
    afterwards: dict[str, Any] = field(default_factory=dict)
    after: Any = None
    observed: Any = None
    peers: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)


class FakeRack:
    """The machines of a rack, each a strict host; what each is, its name says, and without more all are configured."""

    def __init__(self, hosts: Mapping[str, FakeHost], configured: Collection[str] | None = None) -> None:
        self._hosts = hosts
        self._configured = hosts if configured is None else configured

    def control_planes(self) -> Sequence[str]:
        """All but workers and machines of an external etcd, as written."""
        return [name for name in self._hosts if not name.startswith(("etcd", "w-"))]

    def etcd_members(self) -> Sequence[str]:
        """The names of the peers that are machines of an external etcd, by how they are called."""
        return [name for name in self._configured if name.startswith("etcd")]

    def configured(self, machine: str) -> bool:
        """Whether the stack file lists the machine."""
        return machine in self._configured

    def host(self, machine: str) -> Host:
        """The strict host of a peer."""
        return self._hosts[machine]


def scenario_files(thing: str = "*") -> list[Path]:
    """The scenario files of one thing, or of all."""
    return sorted(ROOT.glob(f"{thing}/*.yaml"))


def load(path: Path) -> Scenario:
    """Read a scenario file, refusing keys and kinds that do not exist."""
    data = yaml.load(path.read_text(), _LOADER)
    unknown = set(data) - {one.name for one in fields(Scenario)}
    assert not unknown, f"{path}: unknown keys {sorted(unknown)}"
    scenario = Scenario(**data)
    assert scenario.kind in (*KINDS, *_MORE_KINDS), f"{path}: unknown kind {scenario.kind}"
    return scenario


def thing_named(name: str) -> AnyThing:
    """An instance of the one Thing class that the module of this name defines."""
    module = module_named(name)
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Thing) and value.__module__ == module.__name__
    ]
    named = [one for one in classes if getattr(one, "name", None) == name]
    assert len(named) == 1, f"{module.__name__}: expected one thing named {name}, found {classes}"
    return named[0]()


def play(path: Path) -> None:
    """Act out a scenario; raises AssertionError at the first thing that is not as written."""
    scenario, thing = load(path), thing_named(path.parent.name)
    host = _host("cp-1", {"questions": scenario.questions, "commands": scenario.commands})
    peers = {name: _host(name, parts) for name, parts in scenario.peers.items()}
    site = Site(host=host, journal=Journal(host), rack=FakeRack({host.name: host, **peers}))
    act = _remove if scenario.kind == "remove" else _converge
    if scenario.error:
        _expect_error(scenario.error, lambda: act(scenario, thing, site, host))
    else:
        act(scenario, thing, site, host)
    for one in [host, *peers.values()]:
        one.finish()


def _converge(scenario: Scenario, thing: AnyThing, site: Site, host: FakeHost) -> None:
    desired = thing.parse(scenario.wanted)
    if scenario.old is not None:
        gone = thing.minus(thing.parse(scenario.old), desired)
        if gone is not None:
            thing.remove(site, gone)
    current = _observe(thing, site, host, desired)
    if scenario.observed is not None:
        assert thing.render(current) == scenario.observed
    changes = thing.plan(current, desired)
    _compare_plan(scenario, changes)
    if changes:
        thing.apply(site, changes, desired)
        site.systemd.reload()
        _check_after(scenario, thing, site, host, desired)


def _check_after(scenario: Scenario, thing: AnyThing, site: Site, host: FakeHost, desired: Any) -> None:
    host.learn(dict(_answers(scenario.afterwards)))
    observed = _observe(thing, site, host, desired)
    if scenario.after is not None:
        assert thing.render(observed) == scenario.after
    left = thing.plan(observed, desired)
    assert not left, f"still differs after apply: {left}"


def _remove(scenario: Scenario, thing: AnyThing, site: Site, host: FakeHost) -> None:
    managed = thing.parse(scenario.wanted)
    thing.remove(site, managed)
    if scenario.after is not None:
        host.learn(dict(_answers(scenario.afterwards)))
        assert thing.render(_observe(thing, site, host, managed)) == scenario.after


def _observe(thing: AnyThing, site: Site, host: FakeHost, managed: Any) -> Any:
    ran, asked = len(host.ran), len(host.asked)
    state = thing.observe(site, managed)
    assert len(host.ran) == ran, f"observe must only ask, but ran {shown(host.ran[-1])}"
    unlisted = set(host.asked[asked:]) - {tuple(argv) for argv in thing.questions(managed)}
    assert not unlisted, f"questions() does not list {sorted(map(shown, unlisted))}"
    return state


def _compare_plan(scenario: Scenario, changes: Sequence[Change]) -> None:
    found = {change.field: [_said(change.was), _said(change.now)] for change in changes}
    assert len(found) == len(changes), f"a field is named twice: {changes}"
    assert found == scenario.plan, f"plan\nexpected: {scenario.plan}\n   found: {found}"
    if scenario.kind == "no-op":
        assert not changes and not scenario.commands, "a no-op neither plans nor runs anything"


def _said(value: object) -> object:
    return ABSENT if value is None else list(value) if isinstance(value, tuple) else value


def _expect_error(expected: Mapping[str, Any], act: Callable[[], None]) -> None:
    try:
        act()
    except HostError as error:
        assert isinstance(error, getattr(errors, expected.get("type", "HostError"))), repr(error)
        missing = [part for part in expected["parts"] if part not in str(error)]
        assert not missing, f"the error lacks {missing}: {error}"
    else:
        raise AssertionError(f"expected an error with {expected['parts']}, but none was raised")


def _host(name: str, parts: Mapping[str, Any]) -> FakeHost:
    questions = dict(_answers(parts.get("questions", {})))
    return FakeHost(name, questions=questions, commands=[_command(one) for one in parts.get("commands", [])])


def _answers(written: Mapping[str, Any]) -> Iterator[tuple[Argv, Answer]]:
    for command, answer in written.items():
        yield pattern(command), Answer(**answer) if isinstance(answer, dict) else Answer(out=str(answer))


def _command(written: Any) -> Command:
    if not isinstance(written, dict):
        return Command(argv=pattern(written))
    rest = dict(written)
    then = dict(_answers(rest.pop("then", {})))
    stdin, secret = rest.pop("stdin", ""), rest.pop("secret", False)
    return Command(
        argv=pattern(rest.pop("run")), stdin=stdin, secret=secret, then=then, answer=Answer(**rest)
    )
