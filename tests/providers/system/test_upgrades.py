"""What unattended-upgrades is told, as apt itself understands it."""

from __future__ import annotations

import pytest

from providers.core.thing import Json
from providers.system.upgrades import Upgrades
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

PLACES = ("/etc", "/run")
NODE: Json = {"automatic": "security", "blocked": ["kubelet", "containerd"]}
THEIRS = (
    'APT::Periodic::Unattended-Upgrade "1";\n'
    'Unattended-Upgrade::Origins-Pattern { "origin=Debian,codename=${distro_codename}"; };\n'
)


def test_its_whole_life(local_host: LocalHost) -> None:
    """Set, edited by somebody, mended, off, and as it was."""
    damage = [f"sed -i s/kubelet/nginx/ {Upgrades.path}"]
    assert live(Upgrades(), local_host, NODE, {"automatic": "off"}, damage, PLACES) == ["file"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Upgrades(), local_host, NODE, PLACES) > 2


@pytest.mark.parametrize(
    ("automatic", "switch", "patterns"), [("security", "1", 2), ("all", "1", 5), ("off", "0", 0)]
)
def test_apt_takes_ours_over_the_distributions(
    local_host: LocalHost, automatic: str, switch: str, patterns: int
) -> None:
    """Only our origins count, the blocked packages are whole names, and no machine restarts by itself."""
    local_host.write("/etc/apt/apt.conf.d/50unattended-upgrades", THEIRS)
    converge(Upgrades(), local_host, None, {"automatic": automatic, "blocked": ["kubelet"]})
    told = local_host.run(["apt-config", "dump"]).text
    assert f'APT::Periodic::Unattended-Upgrade "{switch}";' in told
    assert told.count("Unattended-Upgrade::Origins-Pattern:: ") == patterns
    assert 'Unattended-Upgrade::Package-Blacklist:: "^kubelet$";' in told
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in told
