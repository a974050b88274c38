"""What must differ between machines: cards that were cloned share what should be their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from providers.facts.machine import Facts
from providers.preflight.finding import ERROR, WARNING, Finding
from providers.preflight.gather import Seen

_SHOWN = 3
_NEW_ID = "rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot"
_NEW_KEYS = "rm /etc/ssh/ssh_host_*; dpkg-reconfigure openssh-server; then learn it anew: make trust"
_NEW_MAC = "see which of them has a MAC address set by hand: ip link; boards have one of their own"
_OWN: Sequence[tuple[str, str, str, Callable[[Facts], Sequence[str]]]] = (
    (ERROR, "machine id", _NEW_ID, lambda facts: (facts.machine_id,)),
    (ERROR, "mac", _NEW_MAC, lambda facts: facts.macs),
    (WARNING, "host key", _NEW_KEYS, lambda facts: facts.host_keys),
)


def duplicates(seen: Sequence[Seen]) -> Iterator[Finding]:
    """Machine ids, MAC addresses and host keys that several machines have."""
    for level, check, cure, of in _OWN:
        for name, others in _sharing(seen, of).items():
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            yield Finding(
                level=level,
                machine=name,
                check=check,
                expected="one of its own",
                found=f"that of {', '.join(others[:_SHOWN])}{more}",
                next_step=f"on all but one: {cure}",
            )


def _sharing(seen: Sequence[Seen], of: Callable[[Facts], Sequence[str]]) -> dict[str, list[str]]:
    """Machine to the others that have a value of its own, both in the order of the rack."""
    owners: dict[str, list[str]] = defaultdict(list)
    for one in seen:
        for value in set(of(one.facts)) if one.facts else ():
            if value:
                owners[value].append(one.machine.name)
    shared = [names for names in owners.values() if len(names) > 1]
    order = [one.machine.name for one in seen]
    together = {name: {other for names in shared if name in names for other in names} for name in order}
    return {name: sorted(found - {name}, key=order.index) for name, found in together.items() if found}
