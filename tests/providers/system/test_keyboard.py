"""The keyboard's file on a throwaway machine."""

from __future__ import annotations

import pytest

from providers.core.thing import Json
from providers.system.keyboard import DEBIANS, OTHERS, Keyboard
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

WAS = '# a comment\nXKBMODEL="pc105"\nXKBLAYOUT="gb"\nXKBVARIANT=""\nXKBOPTIONS=""\n\nBACKSPACE="guess"\n'
FRENCH: Json = {"layout": "fr", "variant": "latin9"}


def test_its_whole_life(local_host: LocalHost) -> None:
    """Set in place, changed by somebody, mended, another, and as it was to the last byte."""
    local_host.write(DEBIANS, WAS)
    damage = [f"sed -i s/latin9/oss/ {DEBIANS}"]
    assert live(Keyboard(), local_host, FRENCH, {"layout": "de"}, damage, ["/etc"]) == ["variant"]


def test_other_lines_stay_where_they_are(local_host: LocalHost) -> None:
    """Only ours change."""
    local_host.write(DEBIANS, WAS)
    converge(Keyboard(), local_host, None, FRENCH)
    wanted = WAS.replace('="gb"', '="fr"').replace('VARIANT=""', 'VARIANT="latin9"')
    assert local_host.read(DEBIANS) == wanted


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind; also without a file before."""
    local_host.run(["rm", "-f", DEBIANS])
    assert cut_anywhere(Keyboard(), local_host, FRENCH, ["/etc"]) > 2


def test_other_families_have_a_console_keymap(local_host: LocalHost) -> None:
    """One word, and no variants."""
    local_host.run(["rm", "-f", "/etc/debian_version", OTHERS])
    assert converge(Keyboard(), local_host, None, FRENCH) == ["layout"]
    assert local_host.read(OTHERS) == 'KEYMAP="fr"\n'
