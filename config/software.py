"""What software every machine has besides: further repositories, and upgrades that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from config.base import Part

RepositoryUri = Annotated[str, Field(pattern=r"^(https?://[^\s]+|file:/\S*)$")]
KeyUrl = Annotated[str, Field(pattern=r"^https://\S+$")]
RepositoryName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""It is the name of a file."""


class RpmRepository(Part):
    """The form for tdnf and dnf."""

    uri: RepositoryUri
    """Address of the directory that holds repodata."""
    key: KeyUrl | None = None
    """Address of the key; without it, packages are not checked."""


class AptRepository(Part):
    """The form for apt."""

    uri: RepositoryUri
    """Address."""
    suite: Annotated[str, Field(pattern=r"^\S+$")]
    """Release, for example trixie; one that ends with / is a path in a flat repository."""
    components: Annotated[str, Field(pattern=r"^([a-z0-9/-]+( [a-z0-9/-]+)*)?$")] = ""
    """Components, for example main."""
    key: str = ""
    """The key, ASCII-armored or an https address of it; "" for the keys that the system trusts."""
    trusted: bool = False
    """Whether it is used without a signature."""


class Repository(Part):
    """A package repository, in the form of the machine's package manager; machines of the other kind pass it over."""

    apt: AptRepository | None = None
    """For Debian and its kin."""
    rpm: RpmRepository | None = None
    """For Photon OS."""

    def property(self) -> dict[str, Any]:
        """Both forms, as the machines' resources know them."""
        nothing: dict[str, Any] = {"uri": "", "suite": "", "components": "", "key": "", "trusted": False}
        found = self.apt.model_dump(mode="json") if self.apt else nothing
        return found | ({"rpm_uri": self.rpm.uri, "rpm_key": self.rpm.key or ""} if self.rpm else {})


class Upgrade(Part):
    """An upgrade of all packages that are not held; it is never taken back."""

    level: Literal["upgrade", "dist-upgrade", "distro-sync"] = "upgrade"
    """How far: upgrade, or also what needs others added or removed (called distro-sync on Photon OS)."""
    stamp: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=64)] = ""
    """Each new stamp runs it once; with "", `pulumi refresh` only shows what is pending."""


class Software(Part):
    """Where further packages come from, and whether all are upgraded."""

    repositories: Mapping[RepositoryName, Repository] = {}
    """Further package repositories by name; one named helicon-kubernetes takes the place of pkgs.k8s.io."""
    upgrade: Upgrade | None = None
    """An upgrade of the whole machine; none unless it is asked for."""
