"""Feeds recorded calls to a plugin and compares its answers with those of the official plugin.

The recordings lie in `shared/goldens` beside the repository, or where HELICON_GOLDENS says.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import provider_pb2

from toolchain.plugins.protocol import Failure, Plugin

REPOSITORY = Path(__file__).parent.parent.parent
REQUESTS: dict[str, Any] = {
    "GetPluginInfo": empty_pb2.Empty,
    "CheckConfig": provider_pb2.CheckRequest,
    "DiffConfig": provider_pb2.DiffRequest,
    "Configure": provider_pb2.ConfigureRequest,
    "Check": provider_pb2.CheckRequest,
    "Diff": provider_pb2.DiffRequest,
    "Create": provider_pb2.CreateRequest,
    "Read": provider_pb2.ReadRequest,
    "Update": provider_pb2.UpdateRequest,
    "Delete": provider_pb2.DeleteRequest,
}
RANDOM = (
    (re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\n[^-]+-----END \1-----\n"), r"<\1>"),  # keys, certificates
    (re.compile(r"\b(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+"), r"<\1>"),
    (re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}"), "<fingerprint>"),
    (re.compile(r"\b[0-9a-f]{2}(:[0-9a-f]{2}){15}\b"), "<fingerprint>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b(?<!56ff0331ba9)"), "<uuid>"),  # but unknowns
    (re.compile(r"\b\d{30,39}\b"), "<serial>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<sha1>"),
    (re.compile(r"\b(pulumi-kubernetes|[a-z]+)-?[0-9a-f]{8}\b(?!-)"), r"<\1 and a random suffix>"),
)
"""What is random by its nature, and only that: text of these forms is compared by its form.

Exact answers that merely repeat the request are compared before any of this applies (see `same`).
"""
RANDOM_KEYS = frozenset({"uid", "resourceVersion"})
"""Properties of Kubernetes objects that a server makes up."""
RECORDER, DAMAGE = "vm", "HOST"
"""The recorder's host name, and what it wrote instead of it, also in the middle of base64."""
UNORDERED = frozenset({"diffs", "replaces"})
"""Lists of the protocol that are sets: the official plugins write them in an order of chance."""


@dataclass(frozen=True)
class Recorded:
    """One call to the official plugin: `response` and `error` are as the engine logged them."""

    place: str
    step: str
    method: str
    request: dict[str, Any]
    response: dict[str, Any]
    error: str


@dataclass(frozen=True)
class Answer:
    """What a plugin answered: a response as JSON, or an error as the engine logs it."""

    response: dict[str, Any]
    error: str = ""


def goldens() -> Path:
    """Return the directory of the recordings; fails the test where there is none."""
    place = Path(os.environ.get("HELICON_GOLDENS") or REPOSITORY.parent / "shared" / "goldens")
    if not place.is_dir():
        raise AssertionError(f"no recordings of the official plugins in {place}: set HELICON_GOLDENS")
    return place


def state(name: str) -> dict[str, Any]:
    """Return the state that the official plugin left after the first `up`."""
    return dict(json.loads(_mended((goldens() / f"{name}.state.json").read_text())))


@lru_cache
def recorded(*files: str) -> tuple[Recorded, ...]:
    """Return all calls in `FILE.grpc.jsonl`, in order."""
    return tuple(call for file in files for call in _read(file))


def _mended(text: str) -> str:
    return text.replace(DAMAGE, RECORDER)


def _read(file: str) -> Iterator[Recorded]:
    path = goldens() / f"{file}.grpc.jsonl"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        call = json.loads(_mended(line))
        yield Recorded(
            place=f"{path.name}:{number}",
            step=call["step"],
            method=call["method"].rsplit("/", 1)[-1],
            request=call["request"],
            response=call.get("response") or {},
            error="; ".join(call.get("errors", ())),
        )


def replay(plugin: Plugin, call: Recorded) -> Answer:
    """Feed a recorded request to the plugin."""
    return ask(plugin, call.method, call.request)


def ask(plugin: Plugin, method: str, request: dict[str, Any]) -> Answer:
    """Ask the plugin with a request written as JSON; a failure becomes the text that the engine logs."""
    message = json_format.ParseDict(request, REQUESTS[method](), ignore_unknown_fields=True)
    try:
        return Answer(json_format.MessageToDict(plugin.handle(method, message)))
    except Failure as failure:
        code = failure.code.name.title().replace("_", "")
        return Answer({}, f"rpc error: code = {code} desc = {failure.message}")


def same(call: Recorded, answer: Answer, *, exact: bool = False) -> bool:
    """Whether an answer is the recorded one; unless `exact`, random things may differ within their form."""
    expected = Answer(call.response, call.error)
    return answer == expected or (not exact and normalised(answer) == normalised(expected))


def normalised(answer: Answer) -> Answer:
    """Return the answer with what is random replaced by the name of its form."""
    return Answer(_normalised(answer.response), _normalised(answer.error))


def _normalised(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _normalised(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        items = [_normalised(inner) for inner in value]
        return sorted(items) if key in UNORDERED else items
    if key in RANDOM_KEYS:
        return f"<{key}>"
    if not isinstance(value, str):
        return value
    for pattern, form in RANDOM:
        value = pattern.sub(form, value)
    return value


def explain(call: Recorded, answer: Answer) -> str:
    """Return a text for a failed assertion: where the call is, and each value that differs."""
    expected, found = normalised(Answer(call.response, call.error)), normalised(answer)
    lines = [f"{call.place} {call.step} {call.method} {call.request.get('urn', '')}"]
    if expected.error != found.error:
        lines.append(f"  error: expected {expected.error!r}, found {found.error!r}")
    return "\n".join(lines + [f"  {line}" for line in _differences("", expected.response, found.response)])


def _differences(path: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            one, other = expected.get(key, "<missing>"), found.get(key, "<missing>")
            yield from _differences(f"{path}.{key}", one, other)
    elif expected != found:
        yield f"{path}: expected {expected!r}, found {found!r}"
