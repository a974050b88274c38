"""What all parts of the configuration have in common: frozen, strict, no unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """One part of the configuration; what its fields mean say their docstrings (`config.descriptions`)."""

    # a validator is built when it is first used; most parts are only ever validated within another
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
