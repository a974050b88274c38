"""HAProxy's configuration for the Kubernetes API: options to text and back; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from providers.core.options import Options
from providers.core.thing import Json

DEFAULTS: Options = {
    "bind": 6443,
    "further_binds": [],
    "balance": "roundrobin",
    "backends": {},
    "forwards": {},
    "timeout_connect": "1s",
    "timeout_client": "3h",
    "timeout_server": "3h",
    "timeout_check": "3s",
    "retries": 3,
    "maxconn": 4000,
    "check_interval": "500ms",
    "check_fast_interval": "100ms",
    "fall": 2,
    "rise": 2,
    "hard_stop_after": "3h",
    "stats": {"enabled": False, "address": "127.0.0.1", "port": 9000},
    "admin_socket": True,
    "log_target": "/dev/log",
    "log_connections": True,
    "log_health_checks": True,
    "hatop_alias": True,
}
"""Long timeouts, since `kubectl logs -f` and watches are quiet for hours; the page of statistics
has no password, so it is off, and when on is for the machine itself unless an address is given."""

API = "listen kubernetes-apiserver"
FORWARD = "listen forward-"
ADMIN_SOCKET = "/run/haproxy/admin.sock"
_SOCKET = f"    stats socket {ADMIN_SOCKET} mode 660 level admin expose-fd listeners"
_LOG_CHECKS = "    option log-health-checks"
_ONLY_ERRORS = "    option dontlog-normal"
_PROXY = " send-proxy-v2"
# sessions of a server that went down end at once, so that clients connect to another
_DOWN = "on-marked-down shutdown-sessions"


def text(options: Options) -> str:
    """The configuration file of a complete set of options."""
    sections = [_global(options), _defaults(options), _api(options), *_forwards(options), _stats(options)]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _global(options: Options) -> list[str]:
    return [
        "# Managed by helicon: changes made by hand are put right by the next `pulumi up`.",
        "global",
        f"    log {options['log_target']} local0",
        f"    log {options['log_target']} local1 notice",
        "    chroot /var/lib/haproxy",
        "    user haproxy",
        "    group haproxy",
        "    daemon",
        f"    maxconn {options['maxconn']}",
        f"    hard-stop-after {options['hard_stop_after']}",
        *([_SOCKET, "    stats timeout 30s"] if options["admin_socket"] else []),
    ]


def _defaults(options: Options) -> list[str]:
    return [
        "defaults",
        "    log global",
        "    mode tcp",
        "    option tcplog",
        "    option dontlognull",
        *([] if options["log_connections"] else [_ONLY_ERRORS]),
        f"    timeout connect {options['timeout_connect']}",
        f"    timeout client {options['timeout_client']}",
        f"    timeout server {options['timeout_server']}",
        f"    timeout check {options['timeout_check']}",
        f"    retries {options['retries']}",
        # each retry goes to another server: what one refused, the next one takes at once
        "    option redispatch 1",
    ]


def _binds(ports: list[int]) -> list[str]:
    return [f"    bind *:{port}" for port in ports]


def _api(options: Options) -> list[str]:
    servers = cast(dict[str, str], options["backends"])
    return [
        API,
        *_binds(_api_ports(options)),
        *([_LOG_CHECKS] if options["log_health_checks"] else []),
        "    option httpchk GET /readyz",
        "    http-check expect status 200",
        f"    balance {options['balance']}",
        f"    default-server check check-ssl verify none {_pace(options)} {_DOWN}",
        *(f"    server {name} {address}" for name, address in sorted(servers.items())),
    ]


def _pace(options: Options) -> str:
    return (
        f"inter {options['check_interval']} fastinter {options['check_fast_interval']} "
        f"fall {options['fall']} rise {options['rise']}"
    )


def _forwards(options: Options) -> list[list[str]]:
    forwards = cast(dict[str, dict[str, Json]], options["forwards"])
    return [_forward(options, name, one) for name, one in sorted(forwards.items())]


def _forward(options: Options, name: str, one: dict[str, Json]) -> list[str]:
    """Connections as they are, spread over the nodes whose port can be connected to."""
    servers = cast(dict[str, str], one["servers"])
    return [
        f"{FORWARD}{name}",
        *_binds([cast(int, one["port"])]),
        f"    timeout client {one['timeout']}",
        f"    timeout server {one['timeout']}",
        "    balance roundrobin",
        f"    default-server check {_pace(options)} {_DOWN}{_PROXY if one['proxy_protocol'] else ''}",
        *(f"    server {node} {address}" for node, address in sorted(servers.items())),
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


def _api_ports(options: Options) -> list[int]:
    return [cast(int, options["bind"]), *cast(list[int], options["further_binds"])]


def ports(options: Options) -> list[int]:
    """The ports that HAProxy listens on."""
    stats = cast(dict[str, Json], options["stats"])
    forwards = cast(dict[str, dict[str, Json]], options["forwards"])
    forwarded = [cast(int, forwards[name]["port"]) for name in sorted(forwards)]
    return [*_api_ports(options), *forwarded, *([cast(int, stats["port"])] if stats["enabled"] else [])]


def parse(found: str) -> dict[str, Json]:
    """The options that a file in our form has; what it does not say is at its default or off."""
    sections = {part.strip().partition("\n")[0]: part for part in re.split(r"\n\n+", found)}
    api = sections.get(API, "")
    options = {key: _value(found, api, key, value) for key, value in DEFAULTS.items()}
    options |= {
        "further_binds": cast(Json, _parse_binds(api)[1:]),
        "backends": cast(Json, _servers(api)),
        "forwards": {
            head.removeprefix(FORWARD): _parse_forward(part)
            for head, part in sections.items()
            if head.startswith(FORWARD)
        },
        "stats": _parse_stats(found),
        "admin_socket": _SOCKET in found,
        "log_connections": _ONLY_ERRORS not in found,
        "log_health_checks": _LOG_CHECKS in found,
    }
    return options


def _parse_binds(section: str) -> list[int]:
    return [int(port) for port in re.findall(r"^    bind \*:(\d+)$", section, re.MULTILINE)]


def _servers(section: str) -> dict[str, str]:
    return dict(re.findall(r"^    server (\S+) (\S+)$", section, re.MULTILINE))


def _parse_forward(section: str) -> Json:
    binds, timeout = _parse_binds(section), re.search(r"^    timeout client (\S+)$", section, re.MULTILINE)
    return {
        "port": binds[0] if binds else None,
        "servers": cast(Json, _servers(section)),
        "proxy_protocol": _PROXY in section,
        "timeout": timeout[1] if timeout else None,
    }


def _parse_stats(found: str) -> Json:
    default = cast(dict[str, Json], DEFAULTS["stats"])
    match = re.search(r"^listen statistics\n    bind (\S+):(\d+)$", found, re.MULTILINE)
    return {"enabled": True, "address": match[1], "port": int(match[2])} if match else dict(default)


_PATTERNS = {
    "timeout_connect": r"^    timeout connect (\S+)$",
    "timeout_client": r"^    timeout client (\S+)$",
    "timeout_server": r"^    timeout server (\S+)$",
    "timeout_check": r"^    timeout check (\S+)$",
    "retries": r"^    retries (\d+)$",
    "maxconn": r"^    maxconn (\d+)$",
    "hard_stop_after": r"^    hard-stop-after (\S+)$",
    "log_target": r"^    log (\S+) local0$",
}
"""Lines of the first two sections; the first that matches counts."""
_API_PATTERNS = {
    "bind": r"^    bind \*:(\d+)$",
    "balance": r"^    balance (\S+)$",
    "check_interval": r"^    default-server .* inter (\S+)",
    "check_fast_interval": r"^    default-server .* fastinter (\S+)",
    "fall": r"^    default-server .* fall (\d+)",
    "rise": r"^    default-server .* rise (\d+)",
}


def _value(found: str, api: str, option: str, default: Json) -> Json:
    pattern = _PATTERNS.get(option) or _API_PATTERNS.get(option)
    if pattern is None:
        return default
    match = re.search(pattern, found if option in _PATTERNS else api, re.MULTILINE)
    read: Callable[[str], Json] = int if isinstance(default, int) else str
    return read(match[1]) if match else None


def alias() -> str:
    """The shell's alias that opens hatop on this HAProxy."""
    return f"alias hatop='hatop -s {ADMIN_SOCKET}'\n"
