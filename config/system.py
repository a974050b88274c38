"""What a machine's operating system is to be like, besides what Kubernetes needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from config.base import Part
from config.scalars import PackageSpec, UserName
from config.system_scalars import (
    CertificateName,
    KeyboardWord,
    LocaleName,
    LocaleVariable,
    LogSize,
    LogSpan,
    Pem,
    ServiceName,
    SshdOption,
    SshdValue,
    ZoneName,
)
from config.users import User

NODE_PACKAGES = (
    "kubelet",
    "kubeadm",
    "kubectl",
    "kubernetes-cni",
    "cri-tools",
    "containerd",
    "containerd.io",
    "runc",
)
"""Packages of a node that only an upgrade of the cluster may change."""


class Keyboard(Part):
    """The keyboard of the console."""

    layout: KeyboardWord
    """Layout, for example fr or gb; on Photon the name of a console keymap."""
    variant: KeyboardWord | None = None
    """Variant of the layout, for example latin9; where the distribution knows variants."""
    model: KeyboardWord | None = None
    """Model, for example pc105."""
    options: str | None = None
    """Options of XKB, for example ctrl:nocaps."""


class Upgrades(Part):
    """What unattended-upgrades may install by itself; it never restarts the machine."""

    automatic: Literal["off", "security", "all"]
    """Nothing, security updates, or all updates of the distribution."""
    blocked: tuple[PackageSpec, ...] = ()
    """Further packages that it leaves alone; on nodes always those of Kubernetes and the runtime."""


class Logs(Part):
    """The system's journal (journald.conf(5)); what is left out stays as the system has it."""

    storage: Literal["volatile", "persistent", "auto", "none"] | None = None
    """Where it is kept: volatile is in memory alone, which spares an SD card and loses it at a restart."""
    max_use: LogSize | None = None
    """Most room it takes, on disk and in memory each, for example 64M."""
    max_age: LogSpan | None = None
    """How long an entry is kept, for example 2week."""
    sync_interval: LogSpan | None = None
    """How often it is written to disk, for example 15m."""
    rate_interval: LogSpan | None = None
    """With rate_burst: the time in which a service may log so many lines, for example 30s."""
    rate_burst: Annotated[int, Field(ge=1, le=1000000)] | None = None
    """Lines that a service may log in that time."""


class SystemSettings(Part):
    """The operating system of a machine: what is said here and no more."""

    users: Mapping[UserName, User] = {}
    """Users by name; those that are not listed stay as they are."""
    sshd: Mapping[SshdOption, SshdValue] = {}
    """Options of the SSH server, by the names of sshd_config(5), for example PermitRootLogin."""
    timezone: ZoneName | None = None
    """Time zone, for example Europe/Paris."""
    locale: Mapping[LocaleVariable, LocaleName] = {}
    """Locale: LANG, and LC_ variables that differ from it; made where the machine has it not."""
    keyboard: Keyboard | None = None
    """The console's keyboard."""
    certificates: Mapping[CertificateName, Pem] = {}
    """Certificates (PEM) of authorities that programs on the machine are to trust, by a name of yours."""
    disabled_services: tuple[ServiceName, ...] = ()
    """Services that are stopped and do not start with the machine, for example bluetooth."""
    masked_services: tuple[ServiceName, ...] = ()
    """The same, and nothing else can start them either."""
    upgrades: Upgrades | None = None
    """What unattended-upgrades may do; without it, what the system has."""
    logs: Logs | None = None
    """Limits of the system's journal; without it, the system's own."""
