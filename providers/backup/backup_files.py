"""The configuration of the backup script and its systemd units, written and read back; pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from providers.backup.backup_script import SCRIPT_PATH
from providers.core.options import Options
from providers.core.thing import Json

DEFAULTS: Options = {
    "schedule": "daily",
    "jitter": "1h",
    "directory": "/var/backups/etcd",
    "keep": 14,
    "copy_directory": "",
    "s3": {"endpoint": "", "bucket": "", "prefix": "etcd", "region": "us-east-1"},
}
SERVICE = f"""\
# Written by helicon.
[Unit]
Description=Snapshot of the etcd member of this machine
After=kubelet.service network-online.target

[Service]
Type=oneshot
ExecStart=/bin/sh {SCRIPT_PATH}
Nice=19
IOSchedulingClass=idle
TimeoutStartSec=2h
"""
_TIMER = """\
# Written by helicon.
[Unit]
Description=Snapshots of etcd

[Timer]
OnCalendar={schedule}
RandomizedDelaySec={jitter}
FixedRandomDelay=true
Persistent=true

[Install]
WantedBy=timers.target
"""
_KEYS = {"DIRECTORY": "directory", "KEEP": "keep", "COPY_DIRECTORY": "copy_directory"}
_S3_KEYS = {
    "S3_ENDPOINT": "endpoint",
    "S3_BUCKET": "bucket",
    "S3_PREFIX": "prefix",
    "S3_REGION": "region",
}


def conf(options: Options) -> str:
    """The file that the script reads: shell assignments."""
    s3 = options["s3"]
    assert isinstance(s3, dict)
    pairs = {key: options[name] for key, name in _KEYS.items()}
    pairs |= {key: s3[name] for key, name in _S3_KEYS.items()}
    return "# Written by helicon.\n" + "".join(
        f"{key}={shlex.quote(str(one))}\n" for key, one in pairs.items()
    )


def timer(options: Options) -> str:
    """The timer; each machine's delay is its own and stays the same."""
    return _TIMER.format(schedule=options["schedule"], jitter=options["jitter"])


def parse(conf_text: str, timer_text: str) -> dict[str, Json]:
    """The options that both files hold; None where one is missing."""
    pairs = _assignments(conf_text)
    return {
        "schedule": _of_unit(timer_text, "OnCalendar"),
        "jitter": _of_unit(timer_text, "RandomizedDelaySec"),
        **{name: _number(name, pairs.get(key)) for key, name in _KEYS.items()},
        "s3": {name: pairs.get(key) for key, name in _S3_KEYS.items()},
    }


def _assignments(text: str) -> Mapping[str, str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # a quote without its partner
        return {}
    return {key: value for key, sign, value in (word.partition("=") for word in words) if sign}


def _number(name: str, value: str | None) -> Json:
    return int(value) if name == "keep" and value is not None and value.isdecimal() else value


def _of_unit(text: str, key: str) -> str | None:
    found = re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)
    return found[-1] if found else None
