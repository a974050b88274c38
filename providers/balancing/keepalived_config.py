"""keepalived's configuration for one virtual address: options to text and back; pure."""

from __future__ import annotations

import re
from typing import cast

from providers.core.options import Options
from providers.core.thing import Json

DEFAULTS: Options = {
    "address": "",
    "source": "",
    "interface": "",
    "router_id": 1,
    "priority": 200,
    "advert_ms": 500,
    "peers": [],
    "check": {"port": 6443, "interval": 1, "timeout": 2, "fall": 2, "rise": 2},
}
"""The advert interval in milliseconds, those of the check in seconds. Without peers: multicast.

A holder that died is missed after three adverts and a little more: less than two seconds.
"""
LOSS = 100
"""What a failed check takes off the priority: more than priorities differ by, so a healthy machine takes over."""

# Without authentication, which VRRP 3 has no more (RFC 5798, section 9) and which fell to anyone who
# listened; version 2 would also know no adverts more often than every second.
_HEAD = "# Managed by helicon: changes made by hand are put right by the next `pulumi up`."
_CURL = "/usr/bin/curl -fsk -o /dev/null --max-time"
_CHECK = rf'    script "{re.escape(_CURL)} (\d+) https://127\.0\.0\.1:(\d+)/readyz"'


def text(options: Options) -> str:
    """The configuration file of a complete set of options, the interface included."""
    sections = ([_HEAD], _global(options), _script(options), _instance(options))
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _global(options: Options) -> list[str]:
    # the script runs for nobody, and not at all where somebody but root could change it
    return [
        "global_defs {",
        "    vrrp_version 3",
        *(["    vrrp_check_unicast_src"] if options["peers"] else []),
        "    script_user nobody",
        "    enable_script_security",
        "}",
    ]


def _script(options: Options) -> list[str]:
    check = cast(dict[str, int], options["check"])
    # /readyz by way of the machine's own HAProxy: that one is up, and reaches an API server that works
    return [
        "vrrp_script api {",
        f'    script "{_CURL} {check["timeout"]} https://127.0.0.1:{check["port"]}/readyz"',
        f"    interval {check['interval']}",
        f"    timeout {check['timeout'] + 1}",
        f"    fall {check['fall']}",
        f"    rise {check['rise']}",
        f"    weight -{LOSS}",
        "}",
    ]


def _instance(options: Options) -> list[str]:
    peers = cast(list[str], options["peers"])
    unicast = ["    unicast_peer {", *(f"        {one}" for one in peers), "    }"] if peers else []
    # No `nopreempt`: it would also keep a healthy machine from taking over from one whose check fails.
    # Machines of one priority do not preempt each other (RFC 5798, section 6.4.2).
    return [
        "vrrp_instance helicon {",
        "    state BACKUP",
        f"    interface {options['interface']}",
        f"    virtual_router_id {options['router_id']}",
        f"    priority {options['priority']}",
        f"    advert_int {cast(int, options['advert_ms']) / 1000:g}",
        f"    {'unicast' if peers else 'mcast'}_src_ip {options['source']}",
        *unicast,
        "    virtual_ipaddress {",
        f"        {options['address']}/32",
        "    }",
        "    track_script {",
        "        api",
        "    }",
        "}",
    ]


def parse(found: str) -> dict[str, Json]:
    """The options that a file in our form has; None for what it does not say."""
    options: dict[str, Json] = {key: _first(pattern, found) for key, pattern in _PATTERNS.items()}
    for key in ("router_id", "priority"):
        options[key] = _number(options[key])
    advert = options.pop("advert")
    options["advert_ms"] = None if advert is None else round(float(str(advert)) * 1000)
    block = re.search(r"^    unicast_peer \{\n((?:        \S+\n)*)    \}$", found, re.MULTILINE)
    options["peers"] = cast(Json, block[1].split() if block else [])
    script = re.search(f"^{_CHECK}$", found, re.MULTILINE)
    options["check"] = {
        "timeout": int(script[1]) if script else None,
        "port": int(script[2]) if script else None,
        **{key: _number(_first(rf"^    {key} (\d+)$", found)) for key in ("interval", "fall", "rise")},
    }
    return options


_PATTERNS = {
    "address": r"^    virtual_ipaddress \{\n        (\S+)/32$",
    "source": r"^    (?:unicast|mcast)_src_ip (\S+)$",
    "interface": r"^    interface (\S+)$",
    "router_id": r"^    virtual_router_id (\d+)$",
    "priority": r"^    priority (\d+)$",
    "advert": r"^    advert_int (\d+(?:\.\d+)?)$",
}


def whole(options: Options) -> bool:
    """Whether a file said all of its options, so that a text can be made of them."""
    check = cast(dict[str, Json], options["check"])
    return None not in [*options.values(), *check.values()]


def _first(pattern: str, found: str) -> str | None:
    match = re.search(pattern, found, re.MULTILINE)
    return match[1] if match else None


def _number(found: Json) -> int | None:
    return None if found is None else int(str(found))
