"""Certificates and keys below /etc/kubernetes/pki, placed before kubeadm would make its own.

On a member a changed file makes what reads it start anew, one control plane at a time, and a CA is
changed only by way of a bundle that holds the former and the next (`authorities.keep_trust`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.certificates import authorities
from providers.control_plane import static_pods
from providers.control_plane.static_pods import API_SERVER, CONTROL_PLANE, CONTROLLER_MANAGER, ETCD, KUBELET
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing

PKI = "/etc/kubernetes/pki"
SIGNING = f"{PKI}/signing.crt"
"""The one certificate that the controller manager signs with: it refuses to start with a bundle
(pkg/controller/certificates/signer/ca_provider.go)."""
DIFFERS = "(differs)"
UNREAD = "(not read yet)"
"""The file is as it should be, but what reads it has to start anew."""
READERS = {
    f"{PKI}/apiserver.": (API_SERVER,),
    f"{PKI}/ca.": (*CONTROL_PLANE, KUBELET),
    f"{PKI}/apiserver-etcd-client.": (API_SERVER,),
    SIGNING: (CONTROLLER_MANAGER,),
    f"{PKI}/front-proxy-ca.": (API_SERVER,),
    f"{PKI}/etcd/ca.": (ETCD, API_SERVER),
    f"{PKI}/sa.": (API_SERVER, CONTROLLER_MANAGER),
}
"""What reads a file, by how its path begins."""
_PUT = """
set -eu; umask 077; mkdir -p "$(dirname "$1")"
cat > "$1.helicon"; chmod "$2" "$1.helicon"; sync "$1.helicon"; mv "$1.helicon" "$1"
"""
_TIDY = 'rmdir -p --ignore-fail-on-non-empty -- "$@" 2>/dev/null; exit 0'


@dataclass(frozen=True, kw_only=True)
class PkiState:
    """PEM texts by path; None where there is no file, DIFFERS where it holds something else."""

    files: dict[str, str | None] = field(default_factory=dict)


class Pki(Thing[PkiState]):
    """PEM files, compared by digest, so that no key is ever read from a machine."""

    name = "pki"
    secret = True

    def parse(self, value: Json) -> PkiState:
        """From {"path": "PEM"}."""
        pairs = cast(dict[str, str], value)
        return PkiState(files={path: None if pem == ABSENT else pem for path, pem in pairs.items()})

    def render(self, state: PkiState) -> Json:
        """To {"path": "PEM"}."""
        return {path: ABSENT if pem is None else pem for path, pem in state.files.items()}

    def questions(self, managed: PkiState) -> Sequence[Argv]:
        """The digests of all the files, and what has not read them yet."""
        return [("sha256sum", "--", *sorted(managed.files)), static_pods.PENDING] if managed.files else []

    def observe(self, site: Site, managed: PkiState) -> PkiState:
        """The managed text itself where the digest is the same and what reads it has read it."""
        answers = site.host.ask(list(self.questions(managed)))
        if not answers:
            return PkiState()
        lines = [line.split("  ", 1) for line in answers[0].text.splitlines()]
        digests = {path: digest for digest, path in lines}
        waiting = static_pods.pending(answers[1]) or []
        files = {path: _seen(digests.get(path), pem) for path, pem in managed.files.items()}
        unread = {
            path
            for path, pem in files.items()
            if pem == managed.files[path] and set(readers([path])) & set(waiting)
        }
        return PkiState(files={path: UNREAD if path in unread else pem for path, pem in files.items()})

    def plan(self, current: PkiState, desired: PkiState) -> list[Change]:
        """One change for each file that differs, without its text."""
        return [
            Change(field=path, was=_said(current.files.get(path)), now="(new)")
            for path in sorted(desired.files)
            if current.files.get(path) != desired.files[path]
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: PkiState) -> None:
        """Write the files through standard input, keys readable by root only; then what reads them starts anew."""
        paths = [change.field for change in changes]
        member = static_pods.pending(site.host.ask([static_pods.PENDING])[0]) is not None
        affected = readers(paths) if member else []
        if member:
            authorities.keep_trust(site, {path: desired.files[path] or "" for path in paths})
        site.journal.keep_files(paths)
        static_pods.note(site, affected)
        for path in paths:
            pem = (desired.files[path] or "").encode()
            mode = "0644" if path.endswith((".crt", ".pub")) else "0600"
            site.host.run(["sh", "-c", _PUT, "pki", path, mode], stdin=pem, secret=True)
        static_pods.restart_in_turn(site, affected)

    def remove(self, site: Site, managed: PkiState) -> None:
        """Restore what was there before: as a rule, nothing."""
        site.journal.restore_files(sorted(managed.files))
        directories = sorted({path.rpartition("/")[0] for path in managed.files}, reverse=True)
        site.host.run(["sh", "-c", _TIDY, "pki", *directories])
        if site.leaving:
            site.host.run(["rm", "-rf", static_pods.NOTED])

    def minus(self, old: PkiState, new: PkiState) -> PkiState | None:
        """The files that are no longer listed."""
        gone = {path: pem for path, pem in old.files.items() if path not in new.files}
        return PkiState(files=gone) if gone else None


def readers(paths: Sequence[str]) -> list[str]:
    """What has to start anew when these files change, the kubelet last."""
    found = {
        name for path in paths for start, names in READERS.items() if path.startswith(start) for name in names
    }
    return [name for name in (*CONTROL_PLANE, KUBELET) if name in found]


def _seen(digest: str | None, pem: str | None) -> str | None:
    if digest is None:
        return None
    same = pem is not None and hashlib.sha256(pem.encode()).hexdigest() == digest
    return pem if same else DIFFERS


def _said(pem: str | None) -> str | None:
    return pem if pem in (None, UNREAD) else DIFFERS
