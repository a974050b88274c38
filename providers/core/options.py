"""Typed options of a program's configuration file: defaults, one level of names flattened, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from providers.core.thing import ABSENT, Change, Json

Options = Mapping[str, Json]


def whole(value: Json) -> Json:
    """A property value as it was meant: integers (Pulumi makes them floats), and None for ABSENT."""
    if isinstance(value, dict):
        return {key: whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [whole(one) for one in value]
    if value == ABSENT:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def rendered(value: Json) -> Json:
    """The property value of options, with ABSENT for None."""
    if isinstance(value, dict):
        return {key: rendered(one) for key, one in value.items()}
    return ABSENT if value is None else value


def complete(defaults: Options, given: Options) -> dict[str, Json]:
    """The given options over the defaults; mappings are merged."""
    merged = dict(defaults)
    for key, value in given.items():
        base = defaults.get(key)
        merged[key] = {**base, **value} if isinstance(base, dict) and isinstance(value, dict) else value
    return merged


def shown(defaults: Options, found: Options, managed: Options) -> dict[str, Json]:
    """What was found: of the managed options everything, of the others what is not at its default."""
    kept: dict[str, Json] = {key: None for key in managed if key not in found}
    for key, value in found.items():
        wanted, default = managed.get(key), defaults.get(key)
        if isinstance(value, dict) and isinstance(wanted, dict):
            kept[key] = shown(default if isinstance(default, dict) else {}, value, wanted)
        elif key in managed or value != default:
            kept[key] = value
    return kept


def changes(current: Options, desired: Options) -> list[Change]:
    """The differences of two complete sets, entries of mappings as `option.entry`, sorted."""
    was, now = dict(_flat(current)), dict(_flat(desired))
    return [
        Change(field=key, was=was.get(key), now=now.get(key))
        for key in sorted({*was, *now})
        if was.get(key) != now.get(key)
    ]


def _flat(options: Options) -> Iterator[tuple[str, Json]]:
    for key, value in options.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", one) for name, one in value.items())
        else:
            yield key, value
