"""Services that shall not run: stopped and disabled, or masked; never the one that carries us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import Refused, Unobservable
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import Change, Json, Site, Thing, differences
from providers.system.units import parse_show

DISABLED, MASKED = "disabled", "masked"
_RUNNING = ("active", "reloading", "activating", "refreshing")
_STARTS = ("enabled", "enabled-runtime", "linked")
_SSH = ("ssh.service", "ssh.socket", "sshd.service", "sshd.socket", "dropbear.service")
_NETWORK = ("NetworkManager", "systemd-networkd", "networking", "dhcpcd", "wpa_supplicant", "iwd")
"""Programs that hold interfaces; only of these and SSH's own is asked who carries us."""
_STOP_SECONDS = 120

# Which network programs hold the interface of our own connection, or, if that is hidden behind an
# address translation, the one of the default route.
_CARRIERS = r"""
devices=$(ip -o -4 addr show | awk -v want="$1" '{ split($4, a, "/"); if (a[1] == want) print $2 }')
[ -n "$devices" ] || devices=$(ip -o -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p')
if [ -z "$devices" ]; then  # nothing to judge by: whoever could be the one is taken for it
  for one in NetworkManager systemd-networkd networking dhcpcd wpa_supplicant; do echo "$one.service"; done
fi
active() { systemctl is-active -q "$1.service"; }
for device in $devices; do
  held=
  if active NetworkManager; then
    if ! command -v nmcli >/dev/null ||
      nmcli -t -f DEVICE,STATE device | grep -qx "$device:connected"; then held=y; echo NetworkManager.service; fi
  fi
  if active systemd-networkd; then
    if ! command -v networkctl >/dev/null ||
      networkctl --no-legend --no-pager list "$device" | grep -Eq '(configured|configuring)[[:space:]]*$'
    then held=y; echo systemd-networkd.service; echo systemd-networkd.socket; fi
  fi
  if active networking && grep -Eqs "^[[:space:]]*iface[[:space:]]+$device[[:space:]]" \
    /etc/network/interfaces /etc/network/interfaces.d/*; then held=y; echo networking.service; fi
  if [ -z "$held" ] && active dhcpcd; then echo dhcpcd.service; fi
  if [ -e "/sys/class/net/$device/wireless" ]; then
    for one in wpa_supplicant iwd "wpa_supplicant@$device"; do if active "$one"; then echo "$one.service"; fi; done
  fi
done
"""
_OFF = """
systemctl stop "$1" && systemctl disable --no-reload -q "$1" || exit
[ "$2" != masked ] || systemctl mask --no-reload -q "$1"
"""
_UNMASK = 'systemctl unmask --no-reload -q "$1"'
_BACK = """
systemctl unmask -q "$1"
case $2 in enabled*) systemctl enable -q "$1" || exit ;; masked) systemctl mask -q "$1" ;; esac
[ "$3" != active ] || systemctl start "$1"
"""


@dataclass(frozen=True, kw_only=True)
class DisabledServicesState:
    """By unit: "disabled", "masked", or what it does instead ("enabled, active")."""

    units: dict[str, str] = field(default_factory=dict)


class DisabledServices(Thing[DisabledServicesState]):
    """A service that the machine does not have is as good as disabled."""

    name = "disabled_services"

    def parse(self, value: Json) -> DisabledServicesState:
        """From {"bluetooth.service": "disabled"}."""
        return DisabledServicesState(units=dict(cast(dict[str, str], value)))

    def render(self, state: DisabledServicesState) -> Json:
        """To the same."""
        return dict(state.units)

    def questions(self, managed: DisabledServicesState) -> Sequence[Argv]:
        """One question to systemd."""
        return [_show(managed.units)] if managed.units else []

    def observe(self, site: Site, managed: DisabledServicesState) -> DisabledServicesState:
        """How the units are."""
        return DisabledServicesState(
            units={unit: _how(told, managed.units[unit]) for unit, told in _told(site, managed.units).items()}
        )

    def plan(self, current: DisabledServicesState, desired: DisabledServicesState) -> list[Change]:
        """One change for each unit."""
        return differences(current.units, desired.units)

    def apply(self, site: Site, changes: Sequence[Change], desired: DisabledServicesState) -> None:
        """Refuse what carries our connection; note how the others were, stop and disable them.

        systemd reads of it before it is looked at again.
        """
        names = [change.field for change in changes]
        told = _told(site, names)
        running = [unit for unit in names if told[unit].get("ActiveState") in _RUNNING]
        _refuse_carriers(site, running)
        values = {
            unit: f"{told[unit].get('UnitFileState') or 'absent'} {'active' if unit in running else 'inactive'}"
            for unit in names
        }
        site.journal.remember(self.name, values)
        site.systemd.changed()
        for change in changes:
            if change.was == MASKED:
                site.host.run(["sh", "-c", _UNMASK, "unmask", change.field])
            else:
                argv = ["sh", "-c", _OFF, "off", change.field, str(change.now)]
                site.host.run(argv, timeout=_STOP_SECONDS)

    def remove(self, site: Site, managed: DisabledServicesState) -> None:
        """Each as enabled and active as it was."""
        before = site.journal.recall(self.name, managed.units)
        for unit, how in sorted(before.items()):
            enabled, _, active = how.partition(" ")
            argv = ["sh", "-c", _BACK, "back", unit, enabled, active]
            done = site.host.run(argv, timeout=_STOP_SECONDS, check=False)
            if not done.ok:
                site.say(f"disabled_services: {unit} did not come back: {last_lines(done, 1)}")
        site.journal.forget(self.name, before)

    def minus(self, old: DisabledServicesState, new: DisabledServicesState) -> DisabledServicesState | None:
        """The units that are no longer listed."""
        gone = {unit: how for unit, how in old.units.items() if unit not in new.units}
        return DisabledServicesState(units=gone) if gone else None


def _show(units: Sequence[str] | Mapping[str, str]) -> Argv:
    return ("systemctl", "show", "-p", "UnitFileState,ActiveState", "--", *sorted(units))


def _told(site: Site, units: Sequence[str] | Mapping[str, str]) -> dict[str, dict[str, str]]:
    if not units:
        return {}
    (answer,) = site.host.ask([_show(units)])
    blocks = parse_show(answer.text)
    if len(blocks) != len(units):
        raise Unobservable(
            host=str(site.host),
            item="disabled_services",
            expected=f"systemd's answer about {', '.join(sorted(units))}",
            found=last_lines(answer),
            next_step="systemctl status, on the machine",
        )
    return dict(zip(sorted(units), blocks, strict=True))


def _how(told: Mapping[str, str], wanted: str) -> str:
    state, running = told.get("UnitFileState", ""), told.get("ActiveState") in _RUNNING
    active = ", active" if running else ""
    if state in _STARTS:
        return f"enabled{active}"
    if running:
        return f"{state or 'no file'}{active}"
    # what cannot start by itself, or is not there at all, needs no mask to stay off
    return wanted if not state else MASKED if state.startswith(MASKED) else DISABLED


def _refuse_carriers(site: Site, running: Sequence[str]) -> None:
    if not any(unit in _SSH or unit.startswith(_NETWORK) for unit in running):
        return
    (answer,) = site.host.ask([("sh", "-c", _CARRIERS, "carriers", site.host.address)])
    carriers = {*_SSH, *answer.text.split()}
    for unit in running:
        if unit in carriers:
            raise Refused(
                host=str(site.host),
                item=f"disabled_services {unit}",
                expected="a service that this program's own connection does not need",
                found="the one that carries it",
                next_step=(
                    "let another one carry the machine's address first (the network settings in the stack "
                    f"file), or take {unit.removesuffix('.service')} out of disabled_services"
                ),
            )
