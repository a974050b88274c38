"""HAProxy's configuration for the Kubernetes API: options to text and back; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from providers.core.options import Options
from providers.core.thing import Json

DEFAULTS: Options = {
    "bind": 6443,
    "balance": "roundrobin",
    "backends": {},
    "timeout_connect": "5s",
    "timeout_client": "3h",
    "timeout_server": "3h",
    "maxconn": 4000,
    "check_interval": "1s",
    "fall": 2,
    "rise": 2,
    "stats": {"enabled": False, "address": "127.0.0.1", "port": 9000},
    "admin_socket": True,
    "log_health_checks": True,
    "hatop_alias": True,
}
"""Long timeouts, since `kubectl logs -f` and watches are quiet for hours; the page of statistics
has no password, so it is off, and when on is for the machine itself unless an address is given."""

ADMIN_SOCKET = "/run/haproxy/admin.sock"
_SOCKET = f"    stats socket {ADMIN_SOCKET} mode 660 level admin expose-fd listeners"
_LOG_CHECKS = "    option log-health-checks"
_CHECK = "check check-ssl verify none"


def text(options: Options) -> str:
    """The configuration file of a complete set of options."""
    sections = (_global(options), _defaults(options), _listen(options), _stats(options))
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _global(options: Options) -> list[str]:
    return [
        "# Managed by helicon: changes made by hand are put right by the next `pulumi up`.",
        "global",
        "    log /dev/log local0",
        "    log /dev/log local1 notice",
        "    chroot /var/lib/haproxy",
        "    user haproxy",
        "    group haproxy",
        "    daemon",
        f"    maxconn {options['maxconn']}",
        *([_SOCKET, "    stats timeout 30s"] if options["admin_socket"] else []),
    ]


def _defaults(options: Options) -> list[str]:
    return [
        "defaults",
        "    log global",
        "    mode tcp",
        "    option tcplog",
        "    option dontlognull",
        f"    timeout connect {options['timeout_connect']}",
        f"    timeout client {options['timeout_client']}",
        f"    timeout server {options['timeout_server']}",
    ]


def _listen(options: Options) -> list[str]:
    servers = cast(dict[str, str], options["backends"])
    return [
        "listen kubernetes-apiserver",
        f"    bind *:{options['bind']}",
        *([_LOG_CHECKS] if options["log_health_checks"] else []),
        "    option httpchk GET /readyz",
        "    http-check expect status 200",
        f"    balance {options['balance']}",
        # sessions of a server that went down end at once, so that clients connect to another
        f"    default-server {_CHECK} inter {options['check_interval']} fall {options['fall']} "
        f"rise {options['rise']} on-marked-down shutdown-sessions",
        *(f"    server {name} {address}" for name, address in sorted(servers.items())),
    ]


def _stats(options: Options) -> list[str]:
    stats = cast(dict[str, Json], options["stats"])
    if not stats["enabled"]:
        return []
    return [
        "listen statistics",
        f"    bind {stats['address']}:{stats['port']}",
        "    mode http",
        "    stats enable",
        "    stats uri /",
    ]


def ports(options: Options) -> list[int]:
    """The ports that HAProxy listens on."""
    stats = cast(dict[str, Json], options["stats"])
    return [cast(int, options["bind"]), *([cast(int, stats["port"])] if stats["enabled"] else [])]


def parse(found: str) -> dict[str, Json]:
    """The options that a file in our form has; what it does not say is at its default or off."""
    options = {key: _value(found, key, value) for key, value in DEFAULTS.items()}
    options["backends"] = dict(re.findall(r"^    server (\S+) (\S+)$", found, re.MULTILINE))
    options["stats"] = _parse_stats(found)
    options["admin_socket"] = _SOCKET in found
    options["log_health_checks"] = _LOG_CHECKS in found
    return options


def _parse_stats(found: str) -> Json:
    default = cast(dict[str, Json], DEFAULTS["stats"])
    match = re.search(r"^listen statistics\n    bind (\S+):(\d+)$", found, re.MULTILINE)
    return {"enabled": True, "address": match[1], "port": int(match[2])} if match else dict(default)


_PATTERNS = {
    "bind": r"^listen kubernetes-apiserver\n    bind \*:(\d+)$",
    "balance": r"^    balance (\S+)$",
    "timeout_connect": r"^    timeout connect (\S+)$",
    "timeout_client": r"^    timeout client (\S+)$",
    "timeout_server": r"^    timeout server (\S+)$",
    "maxconn": r"^    maxconn (\d+)$",
    "check_interval": r"^    default-server .* inter (\S+)",
    "fall": r"^    default-server .* fall (\d+)",
    "rise": r"^    default-server .* rise (\d+)",
}


def _value(found: str, option: str, default: Json) -> Json:
    if option not in _PATTERNS:
        return default
    match = re.search(_PATTERNS[option], found, re.MULTILINE)
    read: Callable[[str], Json] = int if isinstance(default, int) else str
    return read(match[1]) if match else None


def alias() -> str:
    """The shell's alias that opens hatop on this HAProxy."""
    return f"alias hatop='hatop -s {ADMIN_SOCKET}'\n"
