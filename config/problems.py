"""What is wrong with a configuration: problems with path, expected, found, suggestion; all at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where something stands: keys and list indices from the top, for example ("nodes", "pandore", "address")."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, and what to write instead."""

    path: Path
    expected: str
    found: str
    suggestion: str

    def __str__(self) -> str:
        """The problem as one line."""
        line = f"{render(self.path)}: expected {self.expected}, found {self.found}. {self.suggestion}"
        return " ".join(line.splitlines())


class ConfigurationError(Exception):
    """A configuration that cannot be used; the text lists every problem, one line each."""

    def __init__(self, problems: Sequence[Problem], *, source: str) -> None:
        self.problems = tuple(problems)
        self.source = source
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in self.problems)]))


def render(path: Path) -> str:
    """A path as people write it: `nodes.pandore.taints[0].effect`; unusual keys in brackets and quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text or "(top)"


def show(value: object) -> str:
    """A found value, short and on one line, as YAML's flow style would write it."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(type(value).__name__)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that someone who wrote `word` most likely meant."""
    candidates = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(word.lower(), list(candidates), n=1, cutoff=0.6)
    return candidates[matches[0]] if matches else None


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A suggestion for a word that is not known: the closest one, or all of them."""
    match = closest(word, known)
    return f'Did you mean "{match}"?' if match else f"Known: {', '.join(known)}."
