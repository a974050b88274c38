"""Files of a bundle on their way to a machine: sent from here or fetched there, their sums checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from providers.core.causes import check
from providers.core.errors import HostError
from providers.core.host import Host
from providers.software.bundle import BundleError, is_url, place, verified

TIMEOUT = 1800.0
"""Seconds for one file, or one stream and what is done with it: 100 MB over a slow link to a slow card."""
_WRONG_SUM = 65
FETCH = """
if command -v curl >/dev/null; then curl -fsSL --retry 3 --connect-timeout 20 -o "$1" "$2"
elif command -v wget >/dev/null; then wget -nv -O "$1" "$2"
else rm -f -- "$1"; LC_ALL=C /usr/lib/apt/apt-helper download-file "$2" "$1"; fi
"""
"""Fetch $2 to $1, with what the machine has; apt's helper is there wherever apt is."""
_VERIFY = f"""
sync "$1" && found=$(sha256sum < "$1") || exit; found=${{found%% *}}
[ "$found" = "$2" ] || {{ rm -f -- "$1"; echo "$found"; exit {_WRONG_SUM}; }}
"""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A file of a bundle, its sha256, and where on the machine it goes, in a directory that exists."""

    artifact: str
    sha256: str
    target: str


def bring(host: Host, source: str, parcels: Sequence[Parcel]) -> None:
    """Put files of a bundle on a machine; one that has the wrong sum there is deleted.

    A local file's sum is checked here, and again by Host.upload as it arrives.
    """
    for parcel in parcels:
        if is_url(source):
            _fetch(host, place(source, parcel.artifact), parcel)
        else:
            host.upload(local(host, source, parcel.artifact, parcel.sha256), parcel.target, timeout=TIMEOUT)


def local(host: Host, source: str, artifact: str, sha256: str) -> Path:
    """The local file of a bundle, its sum checked."""
    try:
        return verified(source, artifact, sha256)
    except BundleError as error:
        raise HostError(
            host=str(host),
            item=error.path,
            expected=error.expected,
            found=error.found,
            next_step=error.next_step,
        ) from error


def _fetch(host: Host, address: str, parcel: Parcel) -> None:
    done = host.run(["sh", "-c", FETCH, "fetch", parcel.target, address], timeout=TIMEOUT, check=False)
    check(host, address, done)
    done = host.run(
        ["sh", "-c", _VERIFY, "verify", parcel.target, parcel.sha256], timeout=TIMEOUT, check=False
    )
    if done.exit_status == _WRONG_SUM:
        raise HostError(
            host=str(host),
            item=address,
            expected=f"sha256 {parcel.sha256}",
            found=f"sha256 {done.text} on the machine",
            next_step="see that the address serves the file of the bundle's manifest, then pulumi up again",
        )
    check(host, parcel.target, done)
