"""cloud-init's three files: Ubuntu's images for boards, and Raspberry Pi OS from Trixie on.

Both read them from the boot partition (cloud-init's NoCloud data source; pi-gen's stage2/04-cloud-init).
"""

from __future__ import annotations

from typing import Any

import yaml

from providers.card.card import Card, File, Files

Plain = dict[str, Any]
_GROUPS = "users,adm,sudo"


def ubuntu(card: Card) -> Files:
    """The files of an Ubuntu card."""
    return _files(card, network(card))


def raspberry_pi_os(card: Card) -> Files:
    """Those of Raspberry Pi OS: the network stands below a key of its own, as in the file it ships."""
    return _files(card, {"network": network(card)})


def user(card: Card) -> Plain:
    """The one user: with the key, without a password, root by sudo."""
    return {
        "hostname": card.hostname,
        "fqdn": card.fqdn,
        "manage_etc_hosts": False,
        "ssh_pwauth": False,
        "users": [
            {
                "name": card.user,
                "groups": _GROUPS,
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [card.key],
            }
        ],
        # Raspberry Pi OS has the server, and has it off
        "runcmd": [["systemctl", "enable", "--now", "ssh"]],
    }


def network(card: Card) -> Plain:
    """The static address, as netplan writes it."""
    servers: Plain = {"addresses": list(card.nameservers)}
    return {
        "version": 2,
        "ethernets": {
            card.interface: {
                "dhcp4": False,
                "addresses": [f"{card.address}/{card.prefix}"],
                "routes": [{"to": "default", "via": card.gateway}],
                "nameservers": servers | ({"search": [card.domain]} if card.domain else {}),
            }
        },
    }


def _files(card: Card, network_config: Plain) -> Files:
    # another instance id than the image's: cloud-init then knows that this is a first start
    meta: Plain = {"instance-id": f"helicon-{card.hostname}", "local-hostname": card.hostname}
    return {
        "user-data": File(text=f"#cloud-config\n{_yaml(user(card))}"),
        "network-config": File(text=_yaml(network_config)),
        "meta-data": File(text=_yaml({"dsmode": "local", **meta})),
    }


def _yaml(value: Plain) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=1000)
