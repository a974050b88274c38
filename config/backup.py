"""Backups of etcd: when, where they are kept, and where copies go. Credentials never stand here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from config.base import Part
from config.problems import did_you_mean
from config.scalars import AbsolutePath, Duration, matching, wrong

WORDS = (
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "semiannually",
    "yearly",
)
"""systemd.time(7), calendar events that are one word."""
_EVENT = r"[A-Za-z0-9*:/.,~ -]*[0-9*][A-Za-z0-9*:/.,~ _+-]*"


def _schedule(value: str) -> str:
    if value in WORDS or re.fullmatch(_EVENT, value):
        return value
    suggestion = did_you_mean(value, WORDS) if value.isalpha() else "Try it: systemd-analyze calendar TEXT."
    raise wrong("a calendar event as systemd writes it, for example daily or *-*-* 03:00", suggestion)


Schedule = Annotated[
    str, AfterValidator(_schedule), WithJsonSchema({"type": "string", "examples": ["daily"]})
]
Endpoint = Annotated[
    str,
    matching(
        r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?",
        "an address with http:// or https:// and nothing behind the port",
        "Write for example https://s3.example.com; bucket and prefix have their own keys.",
    ),
]
Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?$")]
"""Only what needs no escape in a URL: old versions of curl sign such paths wrongly."""


class S3(Part):
    """An S3-compatible store; its keys come from HELICON_BACKUP_S3_ACCESS_KEY and _SECRET_KEY at `up`."""

    endpoint: Endpoint
    """Address of the service, for example https://s3.example.com."""
    bucket: Bucket
    """Bucket; it must exist."""
    prefix: Prefix = "etcd"
    """What the objects' names begin with; the machine's name follows."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "us-east-1"
    """Region that the signature names; most services other than Amazon's take any."""


class CopyTo(Part):
    """Where each snapshot is copied, off the machine."""

    directory: AbsolutePath | None = None
    """Directory on another file system, for example an NFS mount; refused while nothing is mounted there."""
    s3: S3 | None = None
    """An S3-compatible store."""


class Backup(Part):
    """Snapshots of etcd on a timer, on every machine with an etcd member."""

    schedule: Schedule = "daily"
    """When, as systemd's OnCalendar writes it."""
    jitter: Duration = "1h"
    """Each machine waits its own fixed part of this time, so that not all members are read at once."""
    directory: AbsolutePath = "/var/backups/etcd"
    """Where the machine keeps its snapshots."""
    keep: Annotated[int, Field(ge=1, le=1000)] = 14
    """How many snapshots of a machine are kept, here and in the directory of copies."""
    copy_to: CopyTo = CopyTo()
    """Where copies go."""
