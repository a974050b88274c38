"""The kinds of text that a configuration holds, each checked and described once."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""A DNS label (RFC 1123, section 2.1), lower case as Kubernetes wants it (RFC 1123 label names)."""
NAME = rf"{LABEL}(\.{LABEL})*"
_QUALIFIED = r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
_LABEL_KEY = rf"({NAME}/)?{_QUALIFIED}"
_LABEL_VALUE = rf"{_QUALIFIED}?"
_GO_DURATION = r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+"
_HAPROXY_TIME = r"[1-9][0-9]*(us|ms|s|m|h|d)?"
_HOST_KEY = (
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]{40,}={0,3}( .*)?"
)
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_QUAD = rf"{_BYTE}(\.{_BYTE}){{3}}"
_SYSCTL = r"[a-z0-9_]+([./][A-Za-z0-9_*:-]+)+"
_UNIT = r"[A-Za-z0-9:_.\\@-]+\.(service|socket|timer|mount|target|path|swap|slice|automount)"
_PACKAGE = r"[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+~:*-]+)?"
_IMAGE = r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(@sha256:[0-9a-f]{64})?"


def wrong(expected: str, suggestion: str) -> PydanticCustomError:
    """A problem found by a check of our own."""
    context = {"expected": expected, "suggestion": suggestion}
    return PydanticCustomError("helicon", "expected {expected}", context)


def matching(pattern: str, expected: str, suggestion: str, longest: int = 253) -> AfterValidator:
    """A check that the whole text fits a pattern; what to say and to suggest where it does not."""

    def check(value: str) -> str:
        if len(value) > longest or not re.fullmatch(pattern, value):
            raise wrong(expected, suggestion)
        return value

    return AfterValidator(check)


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": [example]})


def _as_text(value: object) -> object:
    """Whole numbers may stand where text is meant; nothing else is converted."""
    if isinstance(value, bool):
        raise wrong("text or a whole number", "Write 1 or 0, or the word in quotes.")
    return str(value) if isinstance(value, int) else value


def _not_octal(value: object) -> object:
    """YAML reads 0644 as an octal number and hands on 420."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong("a file mode as text", f'Put quotes around it: "{value:04o}".')
    return value


def is_address(value: str) -> bool:
    """Whether the text is an IPv4 address."""
    try:
        IPv4Address(value)
    except AddressValueError:
        return False
    return True


def _address(value: str) -> str:
    if not is_address(value):
        raise wrong("an IPv4 address", "Write four numbers, for example 10.42.253.40.")
    return value


def _cidr(value: str) -> str:
    try:
        return str(IPv4Network(value))
    except ValueError:
        raise wrong("an IPv4 network", _cidr_suggestion(value)) from None


def _cidr_suggestion(value: str) -> str:
    try:
        return f'Did you mean "{IPv4Network(value, strict=False)}"?'
    except ValueError:
        return "Write an address and a prefix length, for example 10.42.253.0/24."


def _hostname(value: str) -> str:
    if re.fullmatch(LABEL, value):
        return value
    raise wrong(
        "a short host name (RFC 1123: lower-case letters, digits, hyphens, at most 63)",
        hostname_suggestion(value),
    )


def hostname_suggestion(name: str) -> str:
    """What to write instead of something that is no short host name."""
    first, _, rest = name.partition(".")
    mended = re.sub(r"[^a-z0-9-]", "-", first.lower()).strip("-")[:63].rstrip("-")
    if not mended:
        return "Choose a name such as cp-1."
    domain = f' and "domain: {rest}"' if re.fullmatch(NAME, rest) else ""
    return f'Write "{mended}"{domain}.'


def _key_file(value: str) -> str:
    if "\n" in value or "-----BEGIN" in value:
        suggestion = "Keep the key in a file and write its path: what stands here is copied into the state."
        raise wrong("the path of a private key file", suggestion)
    if value.endswith(".pub"):
        raise wrong("the path of a private key file", f'Did you mean "{value[:-4]}"?')
    return value


def _image(value: str) -> str:
    if not re.fullmatch(_IMAGE, value):
        raise wrong(
            "an image with a tag", "Write registry/name:tag, for example registry.k8s.io/pause:3.10.2."
        )
    return value


def _absolute(value: str) -> str:
    if not value.startswith("/") or "\0" in value or ".." in value.split("/"):
        raise wrong("an absolute path", "Start it with /, and do not go up in it (..).")
    return value


def _plain_line(expected: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not value or re.search(r"\s", value):
            raise wrong(expected, "Write it without spaces and line breaks.")
        return value

    return check


Address = Annotated[str, AfterValidator(_address), _schema(_QUAD, "10.42.253.40")]
Cidr = Annotated[str, AfterValidator(_cidr), _schema(rf"{_QUAD}/[0-9]{{1,2}}", "10.42.253.0/24")]
HostName = Annotated[str, AfterValidator(_hostname), _schema(LABEL, "cp-1")]
DomainName = Annotated[
    str,
    matching(
        NAME, "a domain name (RFC 1123)", "Write lower-case labels with dots, for example intra.example.com."
    ),
    _schema(NAME, "intra.example.com"),
]
Location = Annotated[str, AfterValidator(_plain_line("a host name or an address"))]
UserName = Annotated[
    str,
    matching(r"[a-z_][a-z0-9_-]*", "a user name", "Write the login name on the machine, for example pi.", 32),
    _schema(r"[a-z_][a-z0-9_-]{0,31}", "pi"),
]
KeyFile = Annotated[str, AfterValidator(_key_file), _schema(r"[^\n]*", "~/.ssh/id_ed25519")]
HostKey = Annotated[
    str,
    matching(
        _HOST_KEY,
        "a public host key: type and base64",
        "Take the line that `ssh-keyscan -t ed25519 ADDRESS` prints, without the address.",
        2000,
    ),
    AfterValidator(lambda key: " ".join(key.split()[:2])),
    _schema(_HOST_KEY, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA..."),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1, le=86400)]
Scalar = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "integer"]})]
"""Text, or a whole number that becomes text."""
Given = Annotated[
    str,
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object", "required": ["secure"], "maxProperties": 1}]}
    ),
]
"""Text that may be given encrypted (`secure:`); Pulumi decrypts it."""
Duration = Annotated[
    str,
    matching(_GO_DURATION, "a duration", "Write numbers with units, for example 8m0s or 90s."),
    _schema(_GO_DURATION, "8m0s"),
]
HaproxyTime = Annotated[
    str,
    matching(
        _HAPROXY_TIME, "a time as HAProxy writes it", "Write one number and a unit, for example 3h or 5s."
    ),
    _schema(_HAPROXY_TIME, "3h"),
]
LabelKey = Annotated[
    str,
    matching(
        _LABEL_KEY,
        "a label key: an optional DNS name and /, then at most 63 letters, digits, - _ .",
        "Write for example my.topology/rack.",
        317,
    ),
    _schema(_LABEL_KEY, "my.topology/rack"),
]
LabelValue = Annotated[
    str,
    matching(
        _LABEL_VALUE,
        "a label value: at most 63 letters, digits, - _ . that begins and ends with a letter or digit",
        "Write for example rpi-rack1; longer texts belong into annotations.",
        63,
    ),
    _schema(_LABEL_VALUE, "rpi-rack1"),
]
SysctlKey = Annotated[
    str,
    matching(r"[a-z0-9_]+([./][A-Za-z0-9_*:-]+)+", "a sysctl name", "Write for example net.ipv4.ip_forward."),
    _schema(_SYSCTL, "net.ipv4.ip_forward"),
]
ModuleName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_-]+", "a kernel module's name", "Write it as lsmod shows it, for example br_netfilter."
    ),
]
PackageSpec = Annotated[
    str,
    matching(_PACKAGE, "a Debian package, or package=version", "Write for example nfs-common or curl=8.14*."),
    _schema(_PACKAGE, "nfs-common"),
]
UnitName = Annotated[
    str,
    matching(
        _UNIT,
        "a systemd unit with its suffix",
        "Write for example ssh.service.",
    ),
    _schema(_UNIT, "ssh.service"),
]
AbsolutePath = Annotated[str, AfterValidator(_absolute), _schema(r"/.*", "/etc/motd")]
FileMode = Annotated[
    str,
    BeforeValidator(_not_octal),
    matching(r"0?[0-7]{3,4}", "a file mode", 'Write octal digits in quotes, for example "0644".'),
    _schema(r"0?[0-7]{3,4}", "0644"),
]
Image = Annotated[str, AfterValidator(_image), _schema(r"[^\s]+:[^\s]+", "registry.k8s.io/pause:3.10.2")]
