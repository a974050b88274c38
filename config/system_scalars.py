"""The kinds of text that settings of an operating system hold, each checked and described once."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from config.problems import did_you_mean
from config.scalars import wrong

SWITCHES = (
    "PasswordAuthentication",
    "KbdInteractiveAuthentication",
    "PubkeyAuthentication",
    "PermitEmptyPasswords",
    "X11Forwarding",
    "UseDNS",
)
NUMBERS = ("MaxAuthTries", "LoginGraceTime", "ClientAliveInterval", "ClientAliveCountMax")
WORDS = {
    "PermitRootLogin": ("yes", "prohibit-password", "forced-commands-only", "no"),
    "LogLevel": ("QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG"),
}
OPTIONS = (*WORDS, *SWITCHES, *NUMBERS)
"""Options of sshd_config(5) that can be set here; ports and addresses are the connection's."""
_KEY_TYPES = (
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
)
_PUBLIC_KEY = rf"{_KEY_TYPES} [A-Za-z0-9+/]{{40,}}={{0,3}}( [^\n]*)?"
_NEEDED = ("ssh", "sshd", "kubelet", "containerd", "haproxy", "systemd-journald", "dbus")
_SERVICE = r"[A-Za-z0-9:_.@-]+"


def _matching(pattern: str, expected: str, example: str) -> tuple[AfterValidator, WithJsonSchema]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise wrong(expected, f"Write for example {example}.")
        return value

    schema = {"type": "string", "pattern": f"^{pattern}$", "examples": [example]}
    return AfterValidator(check), WithJsonSchema(schema)


def _option(value: str) -> str:
    known = {one.lower(): one for one in OPTIONS}
    if value.lower() not in known:
        hint = "The port is connection.port." if value.lower() == "port" else did_you_mean(value, OPTIONS)
        raise wrong("an option of the SSH server that is managed here", hint)
    return known[value.lower()]


def _option_value(value: object) -> object:
    """YAML reads yes and no as true and false, and numbers as numbers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else value


def sshd_problem(option: str, value: str) -> tuple[str, str] | None:
    """What an option's value should be and what to write, where it is of another kind."""
    allowed = WORDS.get(option) or (("yes", "no") if option in SWITCHES else ())
    if allowed and value not in allowed:
        return f"one of {', '.join(allowed)}", did_you_mean(value, allowed)
    if option in NUMBERS and not value.isdecimal():
        return "a whole number", "Times are in seconds."
    return None


def _pem(value: str) -> str:
    from config.pem import certificate_of_authority  # brings a cryptography library, rarely needed

    return certificate_of_authority(value)


def _service(value: str) -> str:
    if not re.fullmatch(_SERVICE, value):
        raise wrong("the name of a service", "Write for example bluetooth.")
    unit = value if re.search(r"\.(service|socket|timer|path|target)$", value) else f"{value}.service"
    if unit.rpartition(".")[0] in _NEEDED:
        raise wrong(
            "a service that this program does not need",
            f"Remove {value}: it is what reaches or runs the node.",
        )
    return unit


PublicKey = Annotated[
    str,
    *_matching(_PUBLIC_KEY, "a public key: the line of an id_ed25519.pub", "ssh-ed25519 AAAAC3Nz... me@desk"),
]
SshdOption = Annotated[
    str, AfterValidator(_option), WithJsonSchema({"type": "string", "enum": list(OPTIONS)})
]
SshdValue = Annotated[
    str, BeforeValidator(_option_value), WithJsonSchema({"type": ["string", "integer", "boolean"]})
]
LocaleName = Annotated[
    str, *_matching(r"(C|POSIX|[a-z]{2,3}_[A-Z]{2})(\.[A-Za-z0-9-]+)?(@[a-z]+)?", "a locale", "fr_FR.UTF-8")
]
LocaleVariable = Annotated[
    str, *_matching(r"(LANG|LANGUAGE|LC_[A-Z]+)", "a variable of the locale", "LANG or LC_MESSAGES")
]
KeyboardWord = Annotated[str, *_matching(r"[A-Za-z0-9_,-]+", "a word as XKB or the console knows it", "fr")]
ZoneName = Annotated[
    str, *_matching(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", "a time zone by its place", "Europe/Paris")
]
CertificateName = Annotated[
    str, *_matching(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "a name of letters, digits and hyphens", "corp")
]
Pem = Annotated[
    str, AfterValidator(_pem), WithJsonSchema({"type": "string", "pattern": "-----BEGIN CERTIFICATE-----"})
]
ServiceName = Annotated[
    str, AfterValidator(_service), WithJsonSchema({"type": "string", "pattern": f"^{_SERVICE}$"})
]
LogSize = Annotated[str, *_matching(r"[1-9][0-9]*[KMGT]", "a size as journald writes it", "64M")]
LogSpan = Annotated[
    str,
    *_matching(r"([0-9]+ ?(s|sec|m|min|h|day|week|month|year) ?)+", "a time as systemd writes it", "2week"),
]
