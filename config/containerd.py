"""The container runtime of the nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from config.base import Part
from config.scalars import AbsolutePath, Image

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$")]
Size = Annotated[int, Field(ge=65536, le=2**31 - 1)]


class Registry(Part):
    """Where images of one registry are pulled from."""

    server: Url | None = None
    """URL of the registry itself; without it, https:// and its name."""
    mirrors: tuple[Url, ...] = ()
    """URLs that are asked first, in this order."""
    insecure: bool = False
    """Whether certificates that cannot be verified are accepted."""
    ca: AbsolutePath | None = None
    """File on the machine with the CA that signed its certificates (`files` can put it there)."""


class Containerd(Part):
    """containerd: where it comes from and how it is set up."""

    source: Literal["distribution", "docker", "artifacts"] = "distribution"
    """Debian's own package, Docker's repository (containerd.io), or the artifact bundle."""
    version: Annotated[str, Field(pattern=r"^([0-9][0-9A-Za-z.+~:-]*)?$")] = ""
    """Beginning of the package's version, for example 1.7 or 2.1; "" for whatever the source has."""
    suite: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] = "trixie"
    """Debian release of the machines, for Docker's repository."""
    sandbox_image: Image = ""
    """The pause image; without it, the one that belongs to the Kubernetes version."""
    systemd_cgroup: bool = True
    """Whether systemd makes the containers' cgroups, as the kubelet expects."""
    registries: Mapping[str, Registry] = {}
    """Registries, by name (docker.io, host:port), that are not simply reached by https and that name."""
    max_container_log_line_size: Annotated[int, Field(ge=-1, le=2**31 - 1)] = 16384
    """Bytes after which a container's log line is split; -1: never."""
    max_recv_message_size: Size = 16777216
    """Largest message that containerd's API takes, in bytes."""
    max_send_message_size: Size = 16777216
    """Largest message that containerd's API gives, in bytes."""
    metrics_address: str = ""
    """Address and port of containerd's metrics; "" for none."""
    metrics_histogram: bool = False
    """Whether they tell how long calls take; costly."""
    debug_level: Literal["", "trace", "debug", "info", "warn", "error"] = ""
    """How much containerd logs."""
    log_format: Literal["", "text", "json"] = ""
    """How it logs; "" for text."""
    restrict_oom_score_adj: bool = False
    """Whether containerd keeps to OOM scores that it may set (for machines without CAP_SYS_RESOURCE)."""

    @property
    def series(self) -> str:
        """Major and minor number that the version asks for: 1.7 of 1.7.24; "" for any."""
        match = re.match(r"[0-9]+(\.[0-9]+)?", self.version)
        return match[0] if match else ""

    def options(self) -> dict[str, Any]:
        """What containerd's configuration is made of, with the series that must be installed as `version`."""
        told = self.model_dump(mode="json", exclude={"source", "suite", "registries"})
        registries = {
            name: one.model_dump(mode="json", exclude_none=True) for name, one in self.registries.items()
        }
        return {**told, "version": self.series, "registries": registries}
