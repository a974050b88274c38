"""`python -m providers.card STACK NODE`: first-boot files, into a directory or onto a mounted card."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from config import ConfigurationError, Rack, load_file
from providers.card import armbian, bookworm, cloud_init
from providers.card.card import Card, Files, card_of

SYSTEMS: Mapping[str, Callable[[Card], Files]] = {
    "raspberry-pi-os": cloud_init.raspberry_pi_os,
    "raspberry-pi-os-bookworm": bookworm.raspberry_pi_os,
    "ubuntu": cloud_init.ubuntu,
    "armbian": lambda card: armbian.armbian(card, secrets.token_urlsafe(24)),
}
"""What is on the card; raspberry-pi-os is Trixie or later."""
PLACES = {"armbian": "the card's root file system"}


def main(arguments: Sequence[str]) -> int:
    """Write the files and say where they belong; 1 when the stack file or the key is not there."""
    given = _parser().parse_args(arguments)
    try:
        rack = load_file(Path(f"Pulumi.{given.stack}.yaml"))
        card = _card(rack, given)
    except (ConfigurationError, LookupError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    place = Path(given.card or f".cache/card/{given.stack}/{given.node}")
    write(SYSTEMS[given.system](card), place)
    print(f"{card.fqdn}: {card.user}@{card.address}/{card.prefix} on {card.interface}, ", end="")
    print(f"gateway {card.gateway}, name servers {' '.join(card.nameservers)}")
    _say_where(given.system, place, mounted=bool(given.card))
    print(f"after its first start: make trust STACK={given.stack}; make ping STACK={given.stack}")
    return 0


def write(files: Files, place: Path) -> None:
    """Put the files below a directory."""
    for name, file in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(mode=file.mode)
        target.write_text(file.text)
        target.chmod(file.mode)
    line = place / bookworm.COMMAND_LINE
    if "firstrun.sh" in files and line.exists():
        line.write_text(bookworm.command_line(line.read_text()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m providers.card", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("node", help="a machine of the stack")
    parser.add_argument(
        "--system", choices=list(SYSTEMS), default="raspberry-pi-os", help="what is on the card"
    )
    parser.add_argument("--card", default="", help="where the card is mounted; else a directory below .cache")
    parser.add_argument("--gateway", default="", help="else that of its `network`, else its subnet's first")
    parser.add_argument(
        "--nameserver", action="append", default=[], help="else those of its `network`, else the gateway"
    )
    parser.add_argument("--interface", default="", help="else that of its `network`, else eth0")
    return parser


def _card(rack: Rack, given: argparse.Namespace) -> Card:
    names = [one.name for one in rack.machines()]
    if given.node not in names:
        raise LookupError(
            f"{given.node}: expected a machine of {given.stack}, found none. Known: {', '.join(names)}"
        )
    machine = rack.machine(given.node)
    public = Path(f"{machine.connection.identity_file}.pub").expanduser()
    if not public.is_file():
        step = f"make key STACK={given.stack}"
        raise LookupError(f"{given.node}: expected a public key {public}, found none. Next: {step}")
    return card_of(
        machine,
        public.read_text(),
        gateway=given.gateway,
        nameservers=given.nameserver,
        interface=given.interface,
    )


def _say_where(system: str, place: Path, *, mounted: bool) -> None:
    where = PLACES.get(system, "the card's boot partition")
    print(f"written to {place}" + ("" if mounted else f": copy all of it to {where}"))
    if system == "raspberry-pi-os-bookworm" and not (place / bookworm.COMMAND_LINE).exists():
        print(f"and add to the end of the line in {bookworm.COMMAND_LINE}: {bookworm.RUN}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
