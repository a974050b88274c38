"""Rules about certificates: how long they last, and which CAs sign and are trusted."""

from __future__ import annotations

from typing import get_args

from config.authority import Authority, CaName
from config.draft import Draft
from config.problems import Path, show


def _validity(draft: Draft) -> None:
    """Certificates end before their CA does, and are renewed before they end."""
    authority = draft.parts.get("authority")
    if not isinstance(authority, Authority):
        return
    hours, longest = authority.validity_hours, authority.ca_validity_hours
    if hours > longest:
        path: Path = ("authority", "validity_hours")
        suggestion = "Certificates cannot outlive their CA."
        draft.report(
            path, expected=f"at most ca_validity_hours ({longest})", found=show(hours), suggestion=suggestion
        )
    if authority.early_renewal_hours >= hours:
        path, found = ("authority", "early_renewal_hours"), show(authority.early_renewal_hours)
        suggestion = "Otherwise every run would renew all certificates."
        draft.report(path, expected=f"less than validity_hours ({hours})", found=found, suggestion=suggestion)


def _generations(draft: Draft) -> None:
    """The generation that signs is trusted, and each is named once."""
    authority = draft.parts.get("authority")
    if not isinstance(authority, Authority):
        return
    for name in get_args(CaName):
        one, path = authority.cas.of(name), ("authority", "cas", name)
        if draft.amiss(*path):
            continue
        trusted = sorted({*one.trusted, one.current})
        if one.current not in one.trusted or len(set(one.trusted)) != len(one.trusted):
            draft.report(
                (*path, "trusted"),
                expected=f"each generation once, the current one ({one.current}) among them",
                found=show(list(one.trusted)),
                suggestion=f"Write trusted: {trusted}.",
            )


def _supplied(draft: Draft) -> None:
    """Files are for a generation that is in use."""
    authority = draft.parts.get("authority")
    if not isinstance(authority, Authority):
        return
    for name, one in authority.supplied.items():
        trusted = sorted(set(authority.cas.of(name).bundle()))
        if one.generation not in trusted:
            draft.report(
                ("authority", "supplied", name, "generation"),
                expected=f"a generation that authority.cas.{name} trusts ({', '.join(map(str, trusted))})",
                found=show(one.generation),
                suggestion="Take the files out, or trust the generation.",
            )


AUTHORITY_RULES = (_validity, _generations, _supplied)
