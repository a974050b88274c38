"""A throwaway machine with a dpkg database of its own and a small repository: real apt, real dpkg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.local_host import LocalHost, throwaway

_PREPARE = r"""
set -eu
mkdir -p /var/lib/dpkg/updates /var/lib/dpkg/info /var/lib/apt/lists/partial /var/cache/apt/archives/partial
: > /var/lib/dpkg/status
rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list /etc/apt/preferences.d/* /etc/apt/apt.conf.d/*
mkdir -p /srv/repository
echo 'deb [trusted=yes] file:/srv/repository ./' > /etc/apt/sources.list
"""
_MAKE = r"""
set -eu
name=$1; version=$2; depends=$3; postinst=$4; work=/srv/work; cd /srv/repository
mkdir -p $work/DEBIAN "$work/opt/$name"; echo "$version" > "$work/opt/$name/version"
{ printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.test>\n' "$name" "$version"
  [ -z "$depends" ] || echo "Depends: $depends"
  echo 'Description: for a test'; } > $work/DEBIAN/control
[ -z "$postinst" ] || { printf '#!/bin/sh\n%s\n' "$postinst" > $work/DEBIAN/postinst; chmod 755 $work/DEBIAN/postinst; }
dpkg-deb -b $work "${name}_${version}_all.deb" >/dev/null; rm -r $work
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -c 1-64)"
done > Packages
apt-get -q update >/dev/null
"""


@contextmanager
def debian() -> Iterator[LocalHost]:
    """A machine without any package."""
    with throwaway() as host:
        host.run(["sh", "-c", _PREPARE])
        yield host


def publish(host: LocalHost, name: str, version: str, depends: str = "", postinst: str = "") -> None:
    """Put a package into the machine's repository."""
    host.run(["sh", "-c", _MAKE, "make", name, version, depends, postinst])


def installed(host: LocalHost) -> dict[str, str]:
    """What dpkg has, with versions and states."""
    form = "-f=${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\\n"
    lines = host.run(["dpkg-query", "-W", form], check=False).text.splitlines()
    return {name: rest for name, _, rest in (line.partition(" ") for line in lines)}
