"""Certificate authorities of one's own, judged by OpenSSL on a throwaway machine."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.core.thing import Json
from providers.system.certificates import STILL_TRUSTED, Certificates
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

PLACES = ("/usr/local/share/ca-certificates", "/etc/ssl/certs")
_MAKE = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=$1 -days 9 2>/dev/null"


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A machine of Debian's family whose store is as its own program makes it, quickly."""
    local_host.run(
        ["sh", "-c", "cat /dev/null > /etc/ca-certificates.conf; rm -rf /etc/ca-certificates/update.d"]
    )
    local_host.run(["update-ca-certificates", "--fresh"], timeout=180)
    return local_host


def authority(machine: LocalHost, name: str) -> str:
    """A certificate of an authority."""
    return machine.run(["sh", "-c", _MAKE, "make", name]).text + "\n"


def trusted(machine: LocalHost, pem: str) -> bool:
    """Whether OpenSSL finds it in the store."""
    verify = "cat > /tmp/x.pem; openssl verify -CApath /etc/ssl/certs /tmp/x.pem"
    return machine.run(["sh", "-c", verify], stdin=pem.encode(), check=False).ok


def test_its_whole_life(machine: LocalHost) -> None:
    """Trusted, lost from the store or the disk, mended, replaced, and as it was."""
    one, two = authority(machine, "one"), authority(machine, "two")
    first: Json = {"corp": one, "lab": two}
    damage = [
        "rm /usr/local/share/ca-certificates/helicon-lab.crt",
        "cat /dev/null > /etc/ssl/certs/ca-certificates.crt; rm /etc/ssl/certs/helicon-corp.pem /etc/ssl/certs/*.0",
    ]
    assert live(Certificates(), machine, first, {"corp": two}, damage, PLACES) == ["corp", "lab"]
    converge(Certificates(), machine, None, {"corp": one})
    assert trusted(machine, one) and not trusted(machine, two)


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """Also between the file and the store: what is trusted without a file is known for it."""
    wanted: Json = {"corp": authority(machine, "one")}
    assert cut_anywhere(Certificates(), machine, wanted, PLACES) > 2
    converge(Certificates(), machine, None, wanted)
    machine.run(["rm", "/usr/local/share/ca-certificates/helicon-corp.crt"])
    found = Certificates().observe(site(machine), Certificates().parse(wanted))
    assert found.pems == {"corp": STILL_TRUSTED}


@pytest.mark.slow
def test_photon_has_a_place_and_a_program_of_its_own(machine: LocalHost) -> None:
    """Its program, stood in for by `openssl rehash`, makes links of hashes."""
    machine.run(["rm", "/usr/sbin/update-ca-certificates"])
    rehash = "#!/bin/sh\nexec openssl rehash /etc/ssl/certs\n"
    machine.write("/usr/local/sbin/rehash_ca_certificates.sh", rehash, "0755")
    one = authority(machine, "one")
    assert converge(Certificates(), machine, None, {"corp": one}) == ["corp"]
    assert trusted(machine, one)
    Certificates().remove(site(machine), Certificates().parse({"corp": one}))
    assert not trusted(machine, one)


def test_a_machine_without_a_store_is_told_what_to_install(local_host: LocalHost) -> None:
    """For both families."""
    local_host.run(["rm", "/usr/sbin/update-ca-certificates"])
    with pytest.raises(HostError, match=r"certificates: .*install ca-certificates.*openssl-c_rehash"):
        converge(Certificates(), local_host, None, {"corp": authority(local_host, "one")})
