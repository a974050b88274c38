"""The repositories of tdnf and dnf: one .repo file each; pure, but for fetching what the repository has."""

from __future__ import annotations

import re

from providers.core.causes import check
from providers.core.thing import Site

DIRECTORY = "/etc/yum.repos.d"
MARK = "# Managed by helicon: changes made by hand are put right by the next `pulumi up`."
DROP_CACHE = """
for name; do rm -rf -- /var/cache/tdnf/"$name" /var/cache/tdnf/"$name"-* /var/cache/dnf/"$name"-*; done
"""
_FETCH = """
for program in tdnf dnf; do if command -v "$program" >/dev/null; then break; fi; done
exec env LC_ALL=C "$program" -q --disablerepo='*' --enablerepo="$1" makecache
"""


def path(name: str) -> str:
    """The file of a repository."""
    return f"{DIRECTORY}/{name}.repo"


def text(name: str, uri: str, key: str) -> str:
    """The file; packages are checked against the key, which the manager itself fetches, wherever there is one."""
    lines = [MARK, f"[{name}]", f"name={name}", f"baseurl={uri}", "enabled=1", f"gpgcheck={int(bool(key))}"]
    return "\n".join([*lines, *([f"gpgkey={key}"] if key else [])]) + "\n"


def parse(name: str, found: str) -> tuple[str, str, bool]:
    """Address, key, and whether the file says this and no more."""
    values = dict(re.findall(r"^(\w+) *= *(.*?) *$", found, re.MULTILINE))
    uri, key = values.get("baseurl", ""), values.get("gpgkey", "")
    return uri, key, text(name, uri, key).strip() == found.strip()


def fetch(site: Site, name: str) -> None:
    """Fetch what one repository has; that it cannot be fetched is an error."""
    site.say(f"fetching repository {name}")
    done = site.host.run(["sh", "-c", _FETCH, "fetch", name], timeout=600, check=False)
    check(site.host, f"repository {name}", done)
