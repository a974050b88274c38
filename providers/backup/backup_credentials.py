"""The keys of the S3-compatible store that copies go to: a secret, for root only, never in an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from providers.backup.backup_script import CREDENTIALS
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing

DIFFERS = "(differs)"
_LOOK = '[ -e "$1" ] || exit 0; stat -c "%a %U" "$1"; sha256sum < "$1" | cut -c 1-64'
_ASK: Argv = ("sh", "-c", _LOOK, "credentials", CREDENTIALS)
_PUT = """
set -eu; umask 022; mkdir -p "${1%/*}"; umask 077
cat > "$1.helicon"; chown root:root "$1.helicon"; sync "$1.helicon"; mv -T "$1.helicon" "$1"
"""


@dataclass(frozen=True, kw_only=True)
class BackupCredentialsState:
    """The text of curl's configuration; None where there is no file, DIFFERS where it holds something else."""

    text: str | None


class BackupCredentials(Thing[BackupCredentialsState]):
    """One file of mode 0600 in curl's own form, compared by its digest."""

    name = "backup_credentials"
    secret = True

    def parse(self, value: Json) -> BackupCredentialsState:
        """From {"curl": text}, as `curl_config` makes it; `render` shows the same."""
        text = cast(dict[str, str], value).get("curl", ABSENT) if isinstance(value, dict) else ABSENT
        return BackupCredentialsState(text=None if text == ABSENT else text)

    def render(self, state: BackupCredentialsState) -> Json:
        """To the same."""
        return {"curl": ABSENT if state.text is None else state.text}

    def questions(self, managed: BackupCredentialsState) -> Sequence[Argv]:
        """Mode, owner and digest of the file."""
        return [_ASK]

    def observe(self, site: Site, managed: BackupCredentialsState) -> BackupCredentialsState:
        """The managed text itself where the digest is the same and only root can read it."""
        (answer,) = site.host.ask([_ASK])
        lines = answer.text.splitlines()
        if not lines:
            return BackupCredentialsState(text=None)
        same = managed.text is not None and lines == ["600 root", _digest(managed.text)]
        return BackupCredentialsState(text=managed.text if same else DIFFERS)

    def plan(self, current: BackupCredentialsState, desired: BackupCredentialsState) -> list[Change]:
        """One change, without the text."""
        if current.text == desired.text or desired.text is None:
            return []
        return [Change(field="keys", was=None if current.text is None else DIFFERS, now="(new)")]

    def apply(self, site: Site, changes: Sequence[Change], desired: BackupCredentialsState) -> None:
        """Write the file through standard input."""
        site.journal.keep_files([CREDENTIALS])
        text = (desired.text or "").encode()
        site.host.run(["sh", "-c", _PUT, "credentials", CREDENTIALS], stdin=text, secret=True)

    def remove(self, site: Site, managed: BackupCredentialsState) -> None:
        """Restore what was there before: as a rule, nothing."""
        site.journal.restore_files([CREDENTIALS])

    def minus(
        self, old: BackupCredentialsState, new: BackupCredentialsState
    ) -> BackupCredentialsState | None:
        """A pair of keys has no parts."""
        return None


def curl_config(access_key: str, secret_key: str) -> str:
    """curl's configuration file (curl(1), --config): the quoted user, its quotes and backslashes escaped."""
    user = f"{access_key}:{secret_key}".replace("\\", "\\\\").replace('"', '\\"')
    return f'user = "{user}"\n'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
