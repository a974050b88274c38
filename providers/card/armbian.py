"""Armbian: presets for its first login, which the console does by itself, and a script that follows.

A card of Armbian's has one partition; the files lie on its root file system (Armbian's
documentation, "Automatic first boot configuration"). Keys can only be preset by an address on the
web, and passwords only in plain text: so both passwords are thrown away, and the script brings the
key and locks them.
"""

from __future__ import annotations

import shlex

from providers.card.card import Card, File, Files

PRESETS = "root/.not_logged_in_yet"
SCRIPT = "root/provisioning.sh"
_SCRIPT = r"""
home=$(getent passwd "$user" | cut -d: -f6)
if [ -n "$home" ]; then
  mkdir -p "$home/.ssh"
  printf '%s\n' "$key" >>"$home/.ssh/authorized_keys"
  chmod 700 "$home/.ssh"
  chmod 600 "$home/.ssh/authorized_keys"
  chown -R "$user:" "$home/.ssh"
  echo "$user ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/010_$user-nopasswd"
  chmod 440 "/etc/sudoers.d/010_$user-nopasswd"
  passwd --lock "$user"
  passwd --lock root
fi
sed -i "s/^127\.0\.1\.1.*/127.0.1.1 $hostname/" /etc/hosts
hostnamectl set-hostname "$hostname"
rm -f /root/provisioning.sh
"""


def armbian(card: Card, password: str) -> Files:
    """The files of an Armbian card; `password` holds from the first login to the end of the script."""
    return {
        PRESETS: File(text=presets(card, password), mode=0o600),
        SCRIPT: File(text=script(card), mode=0o700),
    }


def presets(card: Card, password: str) -> str:
    """Every answer that the first login would ask for: what is left out, it waits for."""
    values = {
        "PRESET_NET_CHANGE_DEFAULTS": "1",
        "PRESET_NET_ETHERNET_ENABLED": "1",
        "PRESET_NET_WIFI_ENABLED": "0",
        "PRESET_CONNECT_WIRELESS": "n",
        "PRESET_NET_USE_STATIC": "1",
        "PRESET_NET_STATIC_IP": card.address,
        "PRESET_NET_STATIC_MASK": card.netmask,
        "PRESET_NET_STATIC_GATEWAY": card.gateway,
        "PRESET_NET_STATIC_DNS": " ".join(card.nameservers),
        "SET_LANG_BASED_ON_LOCATION": "n",
        "PRESET_LOCALE": "C.UTF-8",
        "PRESET_TIMEZONE": "Etc/UTC",
        "PRESET_ROOT_PASSWORD": password,
        "PRESET_USER_NAME": card.user,
        "PRESET_USER_PASSWORD": password,
        "PRESET_DEFAULT_REALNAME": card.user,
        "PRESET_USER_SHELL": "bash",
    }
    return "".join(f'{name}="{value}"\n' for name, value in values.items())


def script(card: Card) -> str:
    """What Armbian runs after its first login."""
    values = {"user": card.user, "key": card.key, "hostname": card.hostname}
    top = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    return f"#!/bin/bash\n{top}{_SCRIPT}"
