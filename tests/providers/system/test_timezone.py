"""The time zone of a throwaway machine."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.system.timezone import Timezone
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

PLACES = ("/etc",)


def test_its_whole_life(local_host: LocalHost) -> None:
    """Set, changed by somebody in one of two places, mended, and as it was."""
    damage = ["echo Etc/UTC > /etc/timezone"]
    drifted = live(Timezone(), local_host, "Europe/Paris", "Asia/Tokyo", damage, PLACES)
    assert drifted == ["timezone"]
    converge(Timezone(), local_host, None, "Asia/Tokyo")
    assert local_host.run(["env", "-u", "TZ", "date", "+%Z"]).text == "JST"


@pytest.mark.slow
def test_a_machine_without_the_file_gets_none(local_host: LocalHost) -> None:
    """Newer systems have the link alone."""
    local_host.run(["rm", "/etc/timezone"])
    assert cut_anywhere(Timezone(), local_host, "Europe/Paris", PLACES) > 1
    converge(Timezone(), local_host, None, "Europe/Paris")
    assert local_host.read("/etc/timezone") is None


def test_a_zone_that_does_not_exist_is_said(local_host: LocalHost) -> None:
    """Before anything is changed."""
    before = local_host.tree(*PLACES)
    with pytest.raises(HostError, match=r"found Europe/Pariss.*tzdata"):
        converge(Timezone(), local_host, None, "Europe/Pariss")
    assert local_host.tree(*PLACES) == before
