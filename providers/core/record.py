"""What each resource means to manage on a machine, written there before it is done.

Pulumi keeps nothing of a create that failed and only the old inputs of an update that failed. The
record closes that gap: whatever was begun can be given back, also after a SIGKILL. It holds no
secret. Beside it lie the questions that observe the resource, so that the first read of a machine
can answer those of all its resources in one round trip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from providers.core.batch import QUESTIONS, listing
from providers.core.host import Argv, Host
from providers.core.journal import ROOT
from providers.core.thing import Json

RECORDS = f"{ROOT}/records"
Properties = Mapping[str, Json]
NOTHING: Properties = {}
"""The first of a record's sets until the create has come to its end."""

_BEGIN = """
set -eu; umask 077; [ -d "$1" ] && [ -d "$2" ] || mkdir -p "$1" "$2"
printf %s "$4" > "$2/.$3"; mv "$2/.$3" "$2/$3"
cat > "$1/.$3"; sync "$1/.$3"; mv "$1/.$3" "$1/$3"; sync "$1"
"""
_END = 'set -eu; umask 077; cd "$1"; cat > ".$2"; sync ".$2"; mv ".$2" "$2"; sync .'
_LIST = (
    'cd "$1" 2>/dev/null || exit 0; for file in *; do [ -e "$file" ] && printf "%s\\n" "$file"; done; exit 0'
)
_OTHERS = """
cd "$1" 2>/dev/null || exit 0
for file in *; do [ "$file" = "$2" ] || [ ! -e "$file" ] || { cat "$file"; echo; }; done
"""


class Record:
    """The record of one resource kind on one machine, which nobody else writes meanwhile; asked for once."""

    def __init__(self, host: Host, kind: str) -> None:
        self._host = host
        self._kind = kind
        self._sets: list[Properties] | None = None

    @property
    def question(self) -> Argv:
        """The command that reads the record."""
        return ("cat", f"{RECORDS}/{self._kind}")

    def read(self) -> list[Properties]:
        """The property sets that were begun and not given back since, oldest first."""
        if self._sets is None:
            (answer,) = self._host.ask([self.question])
            told = json.loads(answer.text) if answer.ok and answer.text else []
            self._sets = cast(list[Properties], told)
        return self._sets

    def unfinished(self) -> bool:
        """Whether the resource's create never came to its end."""
        return self.read()[:1] == [NOTHING]

    def begin(self, sets: Sequence[Properties], questions: Sequence[Argv]) -> None:
        """Write what is begun and the questions that observe it, synced, before anything is done."""
        unique: list[Properties] = [dict(one) for index, one in enumerate(sets) if one not in sets[:index]]
        if self.read() == unique:
            return
        asked = listing([*questions, self.question])
        argv = ["sh", "-c", _BEGIN, "record", RECORDS, QUESTIONS, self._kind, asked]
        self._host.note(argv, stdin=_text(unique))
        self._sets = unique

    def end(self, properties: Properties) -> None:
        """Write that all of it is done, unless the machine already holds the same."""
        if self.read() != [properties]:
            argv = ["sh", "-c", _END, "done", RECORDS, self._kind]
            self._host.note(argv, stdin=_text([properties]))
            self._sets = [properties]

    def drop(self) -> None:
        """Forget the resource, after everything was given back."""
        self._host.run(["rm", "-f", f"{RECORDS}/{self._kind}", f"{QUESTIONS}/{self._kind}"])


def _text(sets: Sequence[Properties]) -> bytes:
    return json.dumps([dict(one) for one in sets], sort_keys=True).encode()


def recorded(host: Host) -> list[str]:
    """The kinds that have a record on the machine."""
    (answer,) = host.ask([("sh", "-c", _LIST, "records", RECORDS)])
    return answer.text.split()


def elsewhere(host: Host, kind: str) -> list[Properties]:
    """What the machine's resources of other kinds mean to manage."""
    (answer,) = host.ask([("sh", "-c", _OTHERS, "others", RECORDS, kind)])
    return [sets[-1] for sets in map(json.loads, answer.text.splitlines())]


def erase(host: Host) -> None:
    """Remove the journal and the records: the last thing that is done on a machine."""
    host.run(["rm", "-rf", "--", ROOT])
