"""keepalived: a virtual address that is always at one of several machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from providers.balancing import keepalived_config
from providers.balancing.keepalived_config import DEFAULTS
from providers.core import service
from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.options import Options, complete, shown
from providers.core.service import Service, ServiceState
from providers.core.thing import Change, Site
from providers.core.writing import put

CONFIG = "/etc/keepalived/keepalived.conf"
UNIT = "keepalived.service"
DROP_INS = {
    # Stopped with HAProxy and before it, so that the address is elsewhere when HAProxy ends; and
    # started again after a crash, which the packaged unit leaves to the administrator.
    "/etc/systemd/system/keepalived.service.d/helicon.conf": (
        "[Unit]\nAfter=haproxy.service\nPartOf=haproxy.service\n\n[Service]\nRestart=always\nRestartSec=1\n"
    ),
    # started with HAProxy, also by hand
    "/etc/systemd/system/haproxy.service.d/helicon-keepalived.conf": "[Unit]\nWants=keepalived.service\n",
}
_FILES = (CONFIG, *DROP_INS)
_PROTOCOL = "/etc/iproute2/rt_addrprotos.d/keepalived.conf"
"""keepalived writes it when it begins, and leaves it there."""
# 2.2.7, which is Debian 12's, ends its own test by SIGTERM after all has been read (its issue 2587):
# what it had to say against the file it has said by then.
_INSTALL = """
new="$1.helicon"
mkdir -p "${1%/*}" && cat > "$new" && chmod 0644 "$new" && sync "$new" || exit
said=$(keepalived -t -f "$new" 2>&1); status=$?
if [ "$status" = 143 ] && [ -z "$said" ]; then status=0; fi
[ "$status" != 0 ] || { mv "$new" "$1"; exit; }
rm -f "$new"; printf '%s\\n' "$said" >&2; exit 1
"""
# Whoever has an address answers for it, whether or not the port is open.
_STRANGER = """
vip=$1; shift
ip -4 -o addr show to "$vip" | grep -q . && exit 0
ip -4 neigh flush to "$vip" 2>/dev/null
for one in "$vip" "$@"; do curl -s -m 1 -o /dev/null "http://$one:9/"; done
mac() { ip -4 neigh show to "$1" | sed -n 's/.* lladdr \\([0-9a-f:]*\\).*/\\1/p'; }
found=$(mac "$vip")
[ -n "$found" ] || exit 0
for one; do [ "$(mac "$one")" != "$found" ] || exit 0; done
echo "$found"
"""


class Keepalived(Service):
    """Options of keepalived, read back line by line; an interface of "" is the one with the machine's address."""

    name = "keepalived"
    defaults = DEFAULTS
    file = CONFIG

    def questions(self, managed: ServiceState) -> Sequence[Argv]:
        """The configuration, what is added to the units, the machine's interface, and the unit."""
        files: list[Argv] = [("cat", path) for path in _FILES]
        return [*files, _whose(managed.options or {}), *service.questions(UNIT)]

    def observe(self, site: Site, managed: ServiceState) -> ServiceState:
        """The options that the file has; anything in the files that is not ours shows as `content`."""
        config, *drop_ins, addresses, enabled, active = site.host.ask(self.questions(managed))
        amiss = service.amiss(enabled, active)
        if not config.ok:
            return ServiceState(options=None, amiss=amiss)
        text = config.stdout.decode("utf-8", "replace")
        found = keepalived_config.parse(text)
        ours = keepalived_config.whole(found) and keepalived_config.text(found) == text
        if not ours or [one.stdout.decode("utf-8", "replace") for one in drop_ins] != [*DROP_INS.values()]:
            amiss[service.CONTENT] = service.DIFFERS
        wanted = managed.options or {}
        if not wanted.get("interface") and found["interface"] == parse_interface(addresses.text):
            found["interface"] = ""
        return ServiceState(options=shown(DEFAULTS, found, wanted), amiss=amiss)

    def apply(self, site: Site, changes: Sequence[Change], desired: ServiceState) -> None:
        """Write what keepalived itself has accepted, then reload, so that the address stays where it is."""
        options = complete(DEFAULTS, desired.options or {})
        options["interface"] = options["interface"] or _interface(site, options)
        service.remember_unit(site, self.name, UNIT)
        site.journal.keep_files((*_FILES, _PROTOCOL))
        rewritten = service.of_file(changes)
        if any(change.field in (service.FILE, "address") for change in changes):
            _refuse_taken_address(site, options)
        if rewritten:
            for path, content in DROP_INS.items():
                put(site, path, content)
            text = keepalived_config.text(options)
            service.install(site, _INSTALL, CONFIG, "vip", "keepalived -t", text)
        service.bring_up(site, UNIT, "reload" if rewritten else "start")

    def remove(self, site: Site, managed: ServiceState) -> None:
        """The files and the unit as they were; a stopped keepalived hands the address on first."""
        service.give_back(site, self.name, UNIT, (*_FILES, _PROTOCOL))


def parse_interface(text: str) -> str:
    """The interface in the first line of `ip -o addr`; empty without one."""
    words = text.split()
    return words[1] if len(words) > 1 else ""


def _whose(options: Options) -> Argv:
    return ("ip", "-o", "-4", "addr", "show", "to", str(options.get("source") or "0.0.0.0"))


def _interface(site: Site, options: Options) -> str:
    (answer,) = site.host.ask([_whose(options)])
    found = parse_interface(answer.text)
    if not found:
        raise Refused(
            host=str(site.host),
            item="interface of the virtual address",
            expected=f"one that has {options['source']}, the machine's own address",
            found="none",
            next_step="ip -o -4 addr; correct the machine's address, or name the vip's interface in the stack file",
        )
    return found


def _refuse_taken_address(site: Site, options: Options) -> None:
    address, peers = str(options["address"]), cast(list[str], options["peers"])
    if not peers:  # with multicast nobody says whose address it may be by now
        return
    argv = ["sh", "-c", _STRANGER, "stranger", address, *peers]
    stranger = site.host.run(argv, timeout=60 + 3 * len(peers)).text
    if stranger:
        raise Refused(
            host=str(site.host),
            item=f"virtual address {address}",
            expected="free, or at one of the machines that share it",
            found=f"in use by a machine whose MAC address is {stranger}",
            next_step=f"ip neigh show {address}; give that machine, or the vip in the stack file, another address",
        )
