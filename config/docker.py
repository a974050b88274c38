"""Docker as the container runtime of a node, by way of cri-dockerd."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from config.base import Part
from config.containerd import Url

Registry = Annotated[str, Field(pattern=r"^[^\s/]+$")]
LogSize = Annotated[str, Field(pattern=r"^[1-9][0-9]*[kmg]$")]
Directory = Annotated[str, Field(pattern=r"^(/[^\s]+)?$")]


class Docker(Part):
    """Docker: where it comes from and how it is set up; cri-dockerd comes from a repository of your own."""

    source: Literal["distribution", "docker"] = "distribution"
    """The distribution's own package (docker.io), or Docker's repository (docker-ce)."""
    log_driver: Literal["json-file", "journald"] = "json-file"
    """Where containers' output goes."""
    log_max_size: LogSize = "100m"
    """Size after which a json-file log is rotated."""
    log_max_file: Annotated[int, Field(ge=1, le=100)] = 3
    """How many of them are kept."""
    storage_driver: Literal["overlay2", "fuse-overlayfs", "btrfs", "zfs", "vfs"] = "overlay2"
    """How images are stored."""
    insecure_registries: tuple[Registry, ...] = ()
    """Registries (host:port) reached by http, or with certificates that cannot be verified."""
    registry_mirrors: tuple[Url, ...] = ()
    """URLs that are asked before Docker Hub."""
    data_root: Directory = ""
    """Directory of images and containers; "" for /var/lib/docker. What is in the former one is not moved."""

    def options(self, sandbox_image: str) -> dict[str, Any]:
        """What daemon.json and cri-dockerd's command line are made of."""
        told = self.model_dump(mode="json", exclude={"source"})
        return {**told, "sandbox_image": sandbox_image}
