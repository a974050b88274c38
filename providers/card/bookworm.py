"""Raspberry Pi OS Bookworm: custom.toml for user and name, a script of the first start for the address.

custom.toml is read by raspberrypi-sys-mods (`init_config`), which knows no static address. The script
is started as Raspberry Pi Imager starts its own: by `systemd.run` on the kernel's command line.
"""

from __future__ import annotations

import json
import shlex

from providers.card.card import Card, File, Files

COMMAND_LINE = "cmdline.txt"
RUN = (
    "systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot "
    "systemd.unit=kernel-command-line.target"
)
"""What has the script run once; the script takes it away."""
_SCRIPT = r"""
set +e
umask 077
cat >/etc/NetworkManager/system-connections/helicon.nmconnection <<END
[connection]
id=helicon
type=ethernet
interface-name=$interface
autoconnect-priority=10

[ipv4]
method=manual
address1=$address/$prefix,$gateway
dns=$nameservers
dns-search=$search

[ipv6]
method=auto
END
echo "$user ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/010_$user-nopasswd"
chmod 440 "/etc/sudoers.d/010_$user-nopasswd"
rm -f /boot/firmware/firstrun.sh
sed -i 's| systemd\.[^ ]*||g' /boot/firmware/cmdline.txt
exit 0
"""


def raspberry_pi_os(card: Card) -> Files:
    """The files of a Bookworm card; its command line must have RUN besides."""
    return {
        "custom.toml": File(text=custom_toml(card)),
        "firstrun.sh": File(text=first_run(card), mode=0o755),
    }


def custom_toml(card: Card) -> str:
    """User without a password, key, host name."""
    # JSON's strings are TOML's basic strings
    return f"""\
config_version = 1

[system]
hostname = {json.dumps(card.hostname)}

[user]
name = {json.dumps(card.user)}

[ssh]
enabled = true
password_authentication = false
authorized_keys = [{json.dumps(card.key)}]
"""


def first_run(card: Card) -> str:
    """The script; all that is the board's own stands quoted at its top."""
    values = {
        "user": card.user,
        "interface": card.interface,
        "address": card.address,
        "prefix": str(card.prefix),
        "gateway": card.gateway,
        "nameservers": "".join(f"{one};" for one in card.nameservers),
        "search": f"{card.domain};" if card.domain else "",
    }
    top = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    return f"#!/bin/bash\n{top}{_SCRIPT}"


def command_line(text: str) -> str:
    """A card's cmdline.txt with RUN in it, once; the one line stays one."""
    line = " ".join(text.split())
    return f"{line}\n" if RUN in line else f"{line} {RUN}\n"
