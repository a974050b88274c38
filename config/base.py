"""What all parts of the configuration have in common: frozen, strict, no unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """One part of the configuration; what its fields mean say their docstrings (`config.descriptions`)."""

    # validators are built for the whole configuration at once, not for each part as its class is made
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
