"""The certificates that kubeadm made: renewed before they end, and when another CA signs.

The first certificate of a CA file is the one that signs, as kubeadm has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from providers.certificates import kubelet_client
from providers.certificates.leaf_files import KUBELET, LEAVES, SUPER_ADMIN, VALID
from providers.control_plane import static_pods
from providers.core.errors import HostError, Unobservable
from providers.core.host import Argv, Completed
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.membership.kubeadm_reset import LOCK

UNREAD = "renewed, not read yet"
NO_OPENSSL = 3
# `openssl verify` takes its CA from a file: here from a pipe, so that looking writes none.
LOOK = f"""
command -v openssl >/dev/null || exit {NO_OPENSSL}
early=$1; shift
certificate() {{
  case $1 in
  *.conf) sed -n 's/^ *client-certificate-data: *//p' "$1" | base64 -d | openssl x509 ;;
  *) openssl x509 -in "$1" ;;
  esac 2>/dev/null
}}
signed() {{
  printf '%s\\n' "$leaf" | openssl verify -partial_chain -no_check_time -CAfile /dev/fd/3 3<<END
$signer
END
}}
while [ "$#" -gt 2 ]; do
  name=$1; path=$2; ca=$3; shift 3
  [ -e "$path" ] || {{ echo "$name absent"; continue; }}
  leaf=$(certificate "$path") && signer=$(certificate "$ca") || {{ echo "$name unreadable"; continue; }}
  if ! signed >/dev/null 2>&1; then echo "$name not of this CA"
  elif ! printf '%s\\n' "$leaf" | openssl x509 -noout -checkend "$early" >/dev/null 2>&1; then
    end=$(printf '%s\\n' "$leaf" | openssl x509 -noout -enddate)
    echo "$name expires $(date -u -d "${{end#notAfter=}}" +%F)"
  else echo "$name {VALID}"; fi
done
"""
_RENEW = f"""
exec 9>{LOCK}; flock 9
for name; do kubeadm certs renew "$name" >&2 || exit; done
"""


@dataclass(frozen=True, kw_only=True)
class LeavesState:
    """What is said of each certificate by its name (None: absent), and how long before its end it is renewed."""

    early_renewal_hours: int
    certificates: dict[str, str | None] = field(default_factory=dict)


class Leaves(Thing[LeavesState]):
    """kubeadm's own certificates, and the one by which the kubelet is known to the API."""

    name = "leaves"

    def parse(self, value: Json) -> LeavesState:
        """From {"early_renewal_hours": hours, "certificates": {name: "valid"}}."""
        given = cast(dict[str, Any], value)
        found = {name: None if one == ABSENT else str(one) for name, one in given["certificates"].items()}
        return LeavesState(early_renewal_hours=int(given["early_renewal_hours"]), certificates=found)

    def render(self, state: LeavesState) -> Json:
        """To the same."""
        shown: dict[str, Json] = {
            name: ABSENT if one is None else one for name, one in state.certificates.items()
        }
        return {"early_renewal_hours": state.early_renewal_hours, "certificates": shown}

    def questions(self, managed: LeavesState) -> Sequence[Argv]:
        """The certificates, and what has not read them yet."""
        parts = [
            word
            for name in sorted(managed.certificates)
            for word in (name, LEAVES[name].path, LEAVES[name].ca)
        ]
        seconds = str(managed.early_renewal_hours * 3600)
        return [("sh", "-c", LOOK, "leaves", seconds, *parts), static_pods.PENDING]

    def observe(self, site: Site, managed: LeavesState) -> LeavesState:
        """What openssl says of each; one that only the first control plane has is valid where it is not."""
        answer, noted = site.host.ask(self.questions(managed))
        found = answered(site, answer)
        if SUPER_ADMIN in found:
            found[SUPER_ADMIN] = found[SUPER_ADMIN] or VALID
        for name in found:
            if found[name] == VALID and LEAVES[name].reader in (static_pods.pending(noted) or []):
                found[name] = UNREAD
        return LeavesState(early_renewal_hours=managed.early_renewal_hours, certificates=found)

    def plan(self, current: LeavesState, desired: LeavesState) -> list[Change]:
        """One change for each certificate to renew."""
        changes = differences(current.certificates, desired.certificates)
        was, now = current.early_renewal_hours, desired.early_renewal_hours
        return changes + ([Change(field="early_renewal_hours", was=was, now=now)] if was != now else [])

    def apply(self, site: Site, changes: Sequence[Change], desired: LeavesState) -> None:
        """Renew; what reads them starts anew, one control plane at a time."""
        named = {change.field: change.was for change in changes if change.field in LEAVES}
        lost = [name for name, was in named.items() if was is None and name != KUBELET]
        if lost:
            raise _lost(site, lost[0])
        kubelet = named.pop(KUBELET, VALID)
        if named:
            _renew(site, [name for name, was in named.items() if was != UNREAD], list(named))
        if kubelet != VALID:  # last: it is signed by way of the API, which the others may bring back
            _kubelet(site, new=kubelet != UNREAD)

    def remove(self, site: Site, managed: LeavesState) -> None:
        """Nothing to put back: kubeadm's reset takes what kubeadm made."""

    def minus(self, old: LeavesState, new: LeavesState) -> LeavesState | None:
        """What is no longer listed is left as it is."""
        return None


def _kubelet(site: Site, *, new: bool) -> None:
    static_pods.note(site, [KUBELET])
    if new:
        kubelet_client.renew(site)
    static_pods.restart(site, [KUBELET])


def _renew(site: Site, due: Sequence[str], unread: Sequence[str]) -> None:
    affected = sorted({LEAVES[name].reader for name in unread} - {""})
    with static_pods.in_turn(site) as serves:
        static_pods.note(site, affected)
        if due:
            site.say(f"renewing {', '.join(due)}")
            site.host.run(["sh", "-c", _RENEW, "renew", *due], timeout=300)
        if affected:
            static_pods.restart(site, affected, serves=serves)


def answered(site: Site, answer: Completed) -> dict[str, str | None]:
    """What LOOK said of each certificate; Unobservable where nothing on the machine can tell."""
    if answer.exit_status == NO_OPENSSL:
        raise _no_openssl(site)
    return parse(answer.text)


def parse(text: str) -> dict[str, str | None]:
    """What is said of each certificate, from `name what is said` lines."""
    pairs = (line.partition(" ") for line in text.splitlines())
    return {name: None if said == "absent" else said for name, _, said in pairs}


def _no_openssl(site: Site) -> Unobservable:
    return Unobservable(
        host=str(site.host),
        item="leaves",
        expected="openssl, to look at certificates",
        found="none",
        next_step=f"add openssl to the packages of {site.host.name} in the stack file, then pulumi up",
    )


def _lost(site: Site, name: str) -> HostError:
    phase = f"kubeconfig {name.removesuffix('.conf')}" if name.endswith(".conf") else f"certs {name}"
    return HostError(
        host=str(site.host),
        item=LEAVES[name].path,
        expected="the certificate that kubeadm made",
        found="none",
        next_step=f"kubeadm init phase {phase} (on {site.host.name}), then pulumi up again",
    )
