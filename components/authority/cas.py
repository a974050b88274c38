"""The CAs of a cluster, each in the generations that are trusted: generated, or from the user's files."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.authority.issuing import CertificateAuthority, Issuer
from config import Rack
from config.authority import CaName

PURPOSES: Mapping[CaName, str] = {
    "kubernetes": "kubernetes",
    "front_proxy": "front-proxy",
    "etcd": "etcd",
}
"""What a CA is called in names of resources and in its certificate."""


def authorities(issuer: Issuer, rack: Rack) -> dict[CaName, CertificateAuthority]:
    """All three, each with the bundle of what is trusted."""
    return {name: _authority(issuer, rack, name) for name in PURPOSES}


def _authority(issuer: Issuer, rack: Rack, name: CaName) -> CertificateAuthority:
    generations = rack.authority.cas.of(name).bundle()
    trusted = [_generation(issuer, rack, name, one) for one in generations]
    current = trusted[0]
    if len(trusted) == 1:
        return current
    bundle = pulumi.Output.all(*(one.certificate for one in trusted)).apply(joined)
    return CertificateAuthority(
        key=current.key, certificate=current.certificate, digest=current.digest, bundle=bundle
    )


def joined(certificates: list[str]) -> str:
    """PEM texts as one bundle, in order."""
    return "".join(one.rstrip("\n") + "\n" for one in certificates)


def _generation(issuer: Issuer, rack: Rack, name: CaName, generation: int) -> CertificateAuthority:
    supplied = rack.authority.supplied.get(name)
    if supplied is not None and supplied.generation == generation:
        from components.authority.supplied import read  # brings a cryptography library, rarely needed

        return read(name, supplied)
    return issuer.authority(PURPOSES[name], generation)
