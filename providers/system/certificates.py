"""Certificate authorities of your own in the machine's trust store."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import HostError
from providers.core.files_on_host import rewrite
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences

NOT_TRUSTED = "(in its place, and not trusted yet)"
STILL_TRUSTED = "(trusted, though its file is gone)"
PLACES = {
    "update-ca-certificates": ("/usr/local/share/ca-certificates/helicon-", ".crt"),
    "update-ca-trust": ("/etc/pki/ca-trust/source/anchors/helicon-", ".pem"),
    "rehash_ca_certificates.sh": ("/etc/ssl/certs/helicon-", ".pem"),
}
"""Where each program takes certificates from: Debian's family, Fedora's (newer Photon), Photon's own."""
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
)

# In the bundle, or by a link of the name that OpenSSL looks for: its hash and a number.
_LOOK = """
programs=$1 bundles=$2; shift 2
program=none
for one in $programs; do if command -v "$one" >/dev/null; then program=$one; break; fi; done
echo "$program"
while [ "$#" -gt 1 ]; do
  file=; case $program in
    update-ca-certificates) file=/usr/local/share/ca-certificates/helicon-$1.crt ;;
    update-ca-trust) file=/etc/pki/ca-trust/source/anchors/helicon-$1.pem ;;
    rehash_ca_certificates.sh) file=/etc/ssl/certs/helicon-$1.pem ;;
  esac
  trusted=no
  if grep -qsF -e "$2" $bundles; then trusted=yes
  elif find /etc/ssl/certs -lname "*helicon-$1.pem" -name '????????.[0-9]*' 2>/dev/null | grep -q .
  then trusted=yes; fi
  printf '%s ' "$trusted"; cat "$file" 2>/dev/null | base64 -w0; echo
  shift 2
done
"""
_REFRESH = """
case $1 in
  update-ca-trust) exec "$1" extract ;;
  rehash_ca_certificates.sh) find /etc/ssl/certs -xtype l -lname '*helicon-*' -delete ;;
esac
exec "$1"
"""


@dataclass(frozen=True, kw_only=True)
class CertificatesState:
    """PEM texts by name; None where there is none, NOT_TRUSTED where the store does not hold it yet."""

    pems: dict[str, str | None] = field(default_factory=dict)


class Certificates(Thing[CertificatesState]):
    """Programs see the store as they start; what runs already is left alone."""

    name = "certificates"

    def parse(self, value: Json) -> CertificatesState:
        """From {"corp": "PEM"}."""
        given = cast(dict[str, str], value)
        return CertificatesState(pems={key: None if one == ABSENT else one for key, one in given.items()})

    def render(self, state: CertificatesState) -> Json:
        """To the same."""
        return {key: ABSENT if one is None else one for key, one in state.pems.items()}

    def questions(self, managed: CertificatesState) -> Sequence[Argv]:
        """The program of the store, and of each certificate whether it is there and trusted."""
        return [_look(managed.pems)] if managed.pems else []

    def observe(self, site: Site, managed: CertificatesState) -> CertificatesState:
        """The certificates as they are."""
        return CertificatesState(pems=_store(site, managed.pems)[1])

    def plan(self, current: CertificatesState, desired: CertificatesState) -> list[Change]:
        """One change for each certificate."""
        return differences(current.pems, desired.pems)

    def apply(self, site: Site, changes: Sequence[Change], desired: CertificatesState) -> None:
        """Put them where the store takes them from, and make the store anew."""
        program, _ = _store(site, desired.pems)
        if program not in PLACES:
            raise HostError(
                host=str(site.host),
                item="certificates",
                expected=f"one of {', '.join(PLACES)}",
                found="none of them",
                next_step="apt-get install ca-certificates (Photon: tdnf install openssl-c_rehash)",
            )
        files = {path(program, change.field): str(change.now) for change in changes}
        site.journal.keep_files(files)
        for change in changes:
            rewrite(site, path(program, change.field), str(change.now))
        _refresh(site, program)

    def remove(self, site: Site, managed: CertificatesState) -> None:
        """Out of the store again."""
        if not managed.pems:
            return
        program, found = _store(site, managed.pems)
        if program not in PLACES:
            return
        site.journal.restore_files([path(program, name) for name in sorted(managed.pems)])
        if any(one is not None for one in found.values()):
            _refresh(site, program)

    def minus(self, old: CertificatesState, new: CertificatesState) -> CertificatesState | None:
        """The certificates that are no longer listed."""
        gone = {key: one for key, one in old.pems.items() if key not in new.pems}
        return CertificatesState(pems=gone) if gone else None


def path(program: str, name: str) -> str:
    """Where a certificate lies for a store's program."""
    before, after = PLACES[program]
    return f"{before}{name}{after}"


def mark(pem: str | None) -> str:
    """A line that no other certificate has: the last whole one, of the signature."""
    lines = [line for line in (pem or "").splitlines() if line and not line.startswith("-----")]
    return max(lines[-2:], key=len) if lines else "(none)"


def _look(pems: Mapping[str, str | None]) -> Argv:
    pairs = [part for name in sorted(pems) for part in (name, mark(pems[name]))]
    return ("sh", "-c", _LOOK, "certificates", " ".join(PLACES), " ".join(_BUNDLES), *pairs)


def _store(site: Site, pems: Mapping[str, str | None]) -> tuple[str, dict[str, str | None]]:
    (answer,) = site.host.ask([_look(pems)])
    program, *lines = answer.text.splitlines()
    return program, {name: _seen(one) for name, one in zip(sorted(pems), lines, strict=True)}


def _seen(line: str) -> str | None:
    trusted, _, coded = line.partition(" ")
    text = base64.b64decode(coded).decode("utf-8", "replace")
    if trusted == "yes":
        return text or STILL_TRUSTED
    return NOT_TRUSTED if text else None


def _refresh(site: Site, program: str) -> None:
    done = site.host.run(["sh", "-c", _REFRESH, "refresh", program], timeout=180, check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item="certificates",
            expected=f"a store that {program} can make",
            found=last_lines(done),
            next_step=f"{program}, on the machine",
        )
