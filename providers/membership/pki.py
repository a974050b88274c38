"""Certificates and keys below /etc/kubernetes/pki, placed before kubeadm would make its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing

DIFFERS = "(differs)"
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
        """The digests of all the files."""
        return [("sha256sum", "--", *sorted(managed.files))] if managed.files else []

    def observe(self, site: Site, managed: PkiState) -> PkiState:
        """The managed text itself where the digest is the same."""
        answers = site.host.ask(list(self.questions(managed)))
        lines = [line.split("  ", 1) for answer in answers for line in answer.text.splitlines()]
        digests = {path: digest for digest, path in lines}
        return PkiState(files={path: _seen(digests.get(path), pem) for path, pem in managed.files.items()})

    def plan(self, current: PkiState, desired: PkiState) -> list[Change]:
        """One change for each file that differs, without its text."""
        return [
            Change(field=path, was=None if current.files.get(path) is None else DIFFERS, now="(new)")
            for path in sorted(desired.files)
            if current.files.get(path) != desired.files[path]
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: PkiState) -> None:
        """Write the files through standard input, keys readable by root only."""
        site.journal.keep_files([change.field for change in changes])
        for change in changes:
            pem = (desired.files[change.field] or "").encode()
            mode = "0644" if change.field.endswith((".crt", ".pub")) else "0600"
            site.host.run(["sh", "-c", _PUT, "pki", change.field, mode], stdin=pem, secret=True)

    def remove(self, site: Site, managed: PkiState) -> None:
        """Restore what was there before: as a rule, nothing."""
        site.journal.restore_files(sorted(managed.files))
        directories = sorted({path.rpartition("/")[0] for path in managed.files}, reverse=True)
        site.host.run(["sh", "-c", _TIDY, "pki", *directories])

    def minus(self, old: PkiState, new: PkiState) -> PkiState | None:
        """The files that are no longer listed."""
        gone = {path: pem for path, pem in old.files.items() if path not in new.files}
        return PkiState(files=gone) if gone else None


def _seen(digest: str | None, pem: str | None) -> str | None:
    if digest is None:
        return None
    same = pem is not None and hashlib.sha256(pem.encode()).hexdigest() == digest
    return pem if same else DIFFERS
