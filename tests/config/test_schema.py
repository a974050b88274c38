"""The JSON Schema is up to date, takes the stack files, and objects to what the types object to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import Rack, load_file
from config.schema import schema, text
from tests.config.injections import MISTAKES, Mistake, sound
from tests.config.schema_check import violations
from tests.config.test_loading import name

REPOSITORY = Path(__file__).parent.parent.parent
STACKS = sorted(REPOSITORY.glob("Pulumi.*.yaml"))
COMMITTED: dict[str, Any] = json.loads((REPOSITORY / "config/stack.schema.json").read_text())


def document(raw: dict[str, Any]) -> dict[str, Any]:
    """A stack file with this configuration."""
    return {"config": {f"helicon:{key}": value for key, value in raw.items()}}


def test_committed_schema_is_what_the_types_give() -> None:
    """Run `make schema` when this fails."""
    assert (REPOSITORY / "config/stack.schema.json").read_text() == text()


def test_both_stacks_are_there() -> None:
    """The real rack and the simulated one."""
    assert [path.name for path in STACKS] == ["Pulumi.lab.yaml", "Pulumi.rpi.yaml"]


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_stack_file_loads_and_fits_the_schema(path: Path) -> None:
    """Stack files are sound, name the schema for editors, and fit it."""
    assert isinstance(load_file(path), Rack)
    assert path.read_text().splitlines()[0] == "# yaml-language-server: $schema=config/stack.schema.json"
    assert violations(yaml.safe_load(path.read_text()), COMMITTED, COMMITTED) == []


def test_schema_leaves_what_is_pulumi_s_or_others_alone() -> None:
    """Pulumi's own keys, and other namespaces, may stand in the file."""
    whole = document(sound())
    whole |= {"encryptionsalt": "v1:abc", "config": {**whole["config"], "pulumi:tags": {"a": "b"}}}
    assert violations(whole, COMMITTED, COMMITTED) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=name)
def test_editor_shows_what_is_wrong_with_one_value_alone(mistake: Mistake) -> None:
    """A mistake of shape is seen while typing already; how values go together only the program knows."""
    assert bool(violations(document(mistake.put(sound())), COMMITTED, COMMITTED)) == mistake.shows


def test_every_key_is_described() -> None:
    """Whoever completes a key is told what it means."""
    bare = [
        f"{model}.{key}"
        for model, one in schema()["$defs"].items()
        for key, value in one.get("properties", {}).items()
        if not value.get("description")
    ]
    assert bare == []
