"""The machine's static address, gateway and name servers, kept by whichever manager the machine uses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import Change, Json, Site, Thing
from providers.core.writing import put
from providers.membership.relocating import leave_to_move
from providers.network import settings as states
from providers.network.backend import Backend
from providers.network.links import QUESTIONS, RESOLV_CONF, Links, parse_files, read
from providers.network.managers import MANAGERS, manager_of
from providers.network.settings import KEEP, MODE, NONE, OURS, PENDING, STATIC, Both, NetworkState, Settings
from providers.network.switch import Exchange, confirm, exchange

_MEMBER: Argv = ("cat", "/var/lib/helicon/membership.json")
_FORMER = ("manager", "interface", "address")


class Network(Thing[NetworkState]):
    """One interface, by the files of its manager and as the kernel has it; changed under a rollback timer."""

    name = "network"

    def parse(self, value: Json) -> NetworkState:
        """From {"address": "10.0.0.21/24", "gateway": "10.0.0.1", "dns": [...], ...}."""
        return states.parse(value)

    def render(self, state: NetworkState) -> Json:
        """To the same; where the running value is not the kept one, "10.0.0.21/24 (at start: ...)"."""
        return states.render(state)

    def questions(self, managed: NetworkState) -> Sequence[Argv]:
        """Addresses, routes, managers and files."""
        return list(QUESTIONS)

    def observe(self, site: Site, managed: NetworkState) -> NetworkState:
        """The interface as the kernel has it and as its manager's files say."""
        links = read(site.host.ask(QUESTIONS))
        interface = _interface(site, links, managed)
        manager = manager_of(links, interface)
        kept = manager.read(interface, links.texts()) if manager else Settings()
        return replace(
            managed,
            address=Both(live=_live_address(links, interface, managed), kept=kept.address),
            gateway=Both(live=_live_gateway(links, interface, managed), kept=kept.gateway),
            dns=kept.dns,
            search=kept.search,
            resolv_conf=_resolver(links, manager, kept, managed),
            amiss=_amiss(links, manager),
        )

    def plan(self, current: NetworkState, desired: NetworkState) -> list[Change]:
        """One change for each value that differs."""
        return states.plan(current, desired)

    def apply(self, site: Site, changes: Sequence[Change], desired: NetworkState) -> None:
        """Confirm what waits for it; exchange the files of the manager, and follow the machine."""
        if {change.field for change in changes} == {PENDING}:
            confirm(site)
            return
        links = read(site.host.ask(QUESTIONS))
        interface = _interface(site, links, desired)
        manager = _known(site, links, interface)
        was = _live_address(links, interface, desired)
        if was != desired.address.kept:
            _leave_first(site, desired)
        wanted = _wanted(manager, interface, desired, links)
        _keep_former(site, manager, interface, was, sorted(wanted))
        if desired.resolv_conf != STATIC:
            site.journal.restore_files([RESOLV_CONF])
        if {change.field for change in changes} == {"resolv_conf"} and set(wanted) <= {RESOLV_CONF}:
            for path, text in wanted.items():
                put(site, path, text or "")
            return
        addresses = tuple(one for one in dict.fromkeys((was, desired.address.kept)) if one)
        modes = {path: _mode(manager, path, links) for path in wanted}
        change = Exchange(
            manager=manager,
            interface=interface,
            addresses=addresses,
            files=wanted,
            modes=modes,
            deadline=desired.deadline,
        )
        exchange(site, change, lambda: self._left(site, desired), f"{desired.address} on {interface}")

    def remove(self, site: Site, managed: NetworkState) -> None:
        """The network stays as it is; with `restore`, the former files under the same timer."""
        former = site.journal.recall(self.name, _FORMER)
        if not managed.restore or len(former) < len(_FORMER):
            return
        links = read(site.host.ask(QUESTIONS))
        if former["address"] not in links.addresses.get(former["interface"], ()):
            site.say(
                f"network: stays as it is, since its former address was {former['address'] or 'another'}"
            )
            return
        (manager,) = (one for one in MANAGERS if one.name == former["manager"])
        _restore(site, manager, former["interface"], former["address"], managed.deadline)
        site.journal.forget(self.name, _FORMER)

    def minus(self, old: NetworkState, new: NetworkState) -> NetworkState | None:
        """Nothing: a machine has its network whole."""
        return None

    def _left(self, site: Site, desired: NetworkState) -> str:
        site.host.forget()
        left = [one for one in self.plan(self.observe(site, desired), desired) if one.field != PENDING]
        return ", ".join(f"{one.field} {one.was}" for one in left)


def _interface(site: Site, links: Links, managed: NetworkState) -> str:
    return links.interface(managed.interface, managed.address.kept or "", site.host.address)


def _live_address(links: Links, interface: str, managed: NetworkState) -> str | None:
    """The wanted address where the interface has it, among whatever others; else the one it has."""
    found = list(links.addresses.get(interface, ()))
    wanted = [one for one in (managed.address.kept, managed.address.live) if one in found]
    return next(iter(wanted or found), None)


def _live_gateway(links: Links, interface: str, managed: NetworkState) -> str | None:
    """Nothing where no gateway is managed: the route may be somebody else's."""
    return links.gateways.get(interface) if managed.gateway != Both(live=None, kept=None) else None


def _resolver(links: Links, manager: Backend | None, kept: Settings, managed: NetworkState) -> str:
    """The mode, or what stands in the way of it."""
    text = links.texts().get(RESOLV_CONF, "")
    ours = text.startswith(OURS)
    if managed.resolv_conf in (KEEP, NONE):
        return STATIC if ours or kept.own_resolver else managed.resolv_conf
    if manager and manager.writes_resolver and not kept.own_resolver:
        return f"written by {manager.name}"
    if ours and text == states.resolv_conf(managed.settings):
        return STATIC
    return ", ".join(text.splitlines()) or "empty"


def _amiss(links: Links, manager: Backend | None) -> dict[str, str]:
    found = {PENDING: "the change is not confirmed"} if links.pending else {}
    file = links.files.get(manager.path()) if manager else None
    if manager and manager.mode and file and file.mode != manager.mode:
        found[MODE] = file.mode
    return found


def _known(site: Site, links: Links, interface: str) -> Backend:
    """The manager of the interface, where we can do what is asked."""
    manager = manager_of(links, interface) if interface else None
    if manager is None:
        raise Refused(
            host=str(site.host),
            item=f"network {interface}".strip(),
            expected=f"an interface that one of {', '.join(one.name for one in MANAGERS)} sets up",
            found=f"{', '.join(links.addresses) or 'no interface'}, none of them set up by these",
            next_step="name the interface (`network.interface`), or leave `network` out for this machine",
        )
    if links.is_wireless(interface) and manager.name in ("NetworkManager", "netplan"):
        raise Refused(
            host=str(site.host),
            item=f"network {interface}",
            expected=f"an Ethernet interface, where {manager.name} sets it up",
            found="a wireless one, whose secret is not ours to know",
            next_step="connect it by cable, or leave `network` out for this machine",
        )
    return manager


def _leave_first(site: Site, desired: NetworkState) -> None:
    """A control plane leaves its cluster before it moves; a worker follows its address."""
    (answer,) = site.host.ask([_MEMBER])
    joined = json.loads(answer.text) if answer.ok else {}
    address = str(desired.address.kept).partition("/")[0]
    if joined.get("role") == "control-plane" and joined.get("address") != address:
        leave_to_move(site, joined, address)


def _wanted(manager: Backend, interface: str, desired: NetworkState, links: Links) -> dict[str, str | None]:
    """The files that have to change."""
    texts = links.texts()
    wanted = manager.files(interface, desired.settings, texts)
    if desired.resolv_conf == STATIC:
        wanted[RESOLV_CONF] = states.resolv_conf(desired.settings)
    return {
        path: text
        for path, text in wanted.items()
        if text != texts.get(path)
        or (text is not None and _mode(manager, path, links) != links.files[path].mode)
    }


def _mode(manager: Backend, path: str, links: Links) -> str:
    """What the manager asks of its own file; else what the file has."""
    if path == manager.path() and manager.mode:
        return manager.mode
    return links.files[path].mode if path in links.files else "0644"


def _keep_former(site: Site, manager: Backend, interface: str, was: str | None, paths: Sequence[str]) -> None:
    site.journal.keep_files(paths)
    former = {"manager": manager.name, "interface": interface, "address": was or ""}
    site.journal.remember("network", former)


def _restore(site: Site, manager: Backend, interface: str, address: str, deadline: int) -> None:
    """Every file that a change of ours may have touched, where the journal has an entry."""
    (files,) = site.host.ask([QUESTIONS[-2]])
    known = {path: file.text for path, file in parse_files(files.text).items()}
    paths = sorted({RESOLV_CONF, *manager.files(interface, Settings(address=address), known), *known})
    one = Exchange(
        manager=manager,
        interface=interface,
        addresses=(address,),
        files=dict.fromkeys(paths),
        modes={},
        deadline=deadline,
        copies={path: site.journal.kept(path) for path in paths},
    )
    exchange(site, one, lambda: "", f"{address} on {interface}, by the former files,")
    site.journal.restore_files(paths)
