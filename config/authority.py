"""Keys and certificates: who signs, for how long, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.base import Part
from config.scalars import KeyFile, Location, matching, wrong


def _one(groups: tuple[str, ...]) -> tuple[str, ...]:
    if len(groups) > 1:
        raise wrong("at most one group", f"Write [{groups[0]}], and bind the user in a RoleBinding besides.")
    return groups


Hours = Annotated[int, Field(ge=1, le=876000)]
CaName = Literal["kubernetes", "front_proxy", "etcd"]
"""The three CAs of a cluster."""
Generation = Annotated[int, Field(ge=1, le=9999)]
Person = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9@._-]*",
        "a user's name: letters, digits, @ . _ -",
        "Write for example alice or alice@example.com; names with a colon are Kubernetes' own.",
        64,
    ),
]


class Subject(Part):
    """Who the certificates say they belong to, besides the names that Kubernetes prescribes."""

    organization: str | None = None
    """Organization (O) of the CAs."""
    organizational_unit: str | None = None
    """Organizational unit (OU)."""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """Country (C), two letters."""
    province: str | None = None
    """State or province (ST)."""
    locality: str | None = None
    """Town (L)."""


class Generations(Part):
    """Which generation of a CA signs, and which are trusted."""

    current: Generation = 1
    """The generation that signs."""
    trusted: tuple[Generation, ...] = (1,)
    """The generations that are trusted, the current one among them."""

    def bundle(self) -> tuple[int, ...]:
        """The trusted generations, the one that signs first, as kubeadm wants it."""
        return (self.current, *(one for one in self.trusted if one != self.current))


class Cas(Part):
    """The generations of the cluster's CAs."""

    kubernetes: Generations = Generations()
    """The CA of the API, the kubelets and all users."""
    front_proxy: Generations = Generations()
    """The CA of the API server towards extension API servers such as metrics-server."""
    etcd: Generations = Generations()
    """The CA of etcd."""

    def of(self, name: CaName) -> Generations:
        """The generations of one CA."""
        return {"kubernetes": self.kubernetes, "front_proxy": self.front_proxy, "etcd": self.etcd}[name]


class SuppliedCa(Part):
    """A CA that the user has, in files beside the configuration, never in it."""

    certificate: str
    """Path of its certificate (PEM)."""
    key: KeyFile
    """Path of its private key (PEM, not encrypted)."""
    generation: Generation = 1
    """Which generation it is; the others are generated."""


class KubeconfigUser(Part):
    """A further kubeconfig."""

    groups: Annotated[tuple[Location, ...], AfterValidator(_one)] = ()
    """The user's group, at most one: pulumi-tls writes one organization into a certificate."""
    validity_hours: Hours | None = None
    """Hours that it is valid; without it, kubeconfig_validity_hours."""


class Authority(Part):
    """Keys and certificates of the cluster."""

    algorithm: Literal["ECDSA", "RSA"] = "ECDSA"
    """Kind of all keys; ECDSA is much faster on small boards."""
    ecdsa_curve: Literal["P256", "P384", "P521"] = "P256"
    """Curve of ECDSA keys."""
    rsa_bits: Literal[2048, 3072, 4096] = 2048
    """Size of RSA keys in bits."""
    subject: Subject = Subject()
    """Subject of the CAs."""
    ca_validity_hours: Hours = 10 * 8760
    """Hours that the CAs are valid (default: ten years)."""
    validity_hours: Hours = 8760
    """Hours that certificates are valid (default: one year)."""
    early_renewal_hours: Annotated[int, Field(ge=0, le=876000)] = 720
    """Hours before the end at which a certificate is renewed (default: 30 days)."""
    extra_sans: tuple[Location, ...] = ()
    """Further names and addresses in the API server's certificate."""
    cas: Cas = Cas()
    """Which generation of each CA signs, and which are trusted; docs/certificates.md rotates them."""
    supplied: Mapping[CaName, SuppliedCa] = {}
    """CAs from files instead of generated ones."""
    kubelet_serving: Literal["self-signed", "signed"] = "self-signed"
    """Who signs the certificates that kubelets serve with: each its own, or the cluster's CA."""
    kubeconfig_validity_hours: Hours | None = None
    """Hours that the administrator's kubeconfig is valid; without it, validity_hours."""
    kubeconfigs: Mapping[Person, KubeconfigUser] = {}
    """Further kubeconfigs by the user's name; `pulumi stack output kubeconfigs --show-secrets` has them."""
