"""First-boot files, parsed back as their readers parse them."""

from __future__ import annotations

import shlex
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from config import load
from providers.card import __main__ as program
from providers.card import armbian, bookworm, cloud_init
from providers.card.card import Card, card_of
from tests.config.injections import sound

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@desk's"
CARD = Card(
    hostname="pandore",
    domain="example.test",
    user="pi",
    key=KEY,
    address="10.42.253.40",
    prefix=24,
    gateway="10.42.253.1",
    nameservers=("10.42.253.1", "10.42.253.2"),
    interface="eth0",
)


def assignments(text: str) -> dict[str, str]:
    """The values that a shell reads at the top of a script, or in a file of them."""
    words = shlex.split("\n".join(line for line in text.splitlines() if "=" in line.partition(" ")[0]))
    return dict(word.split("=", 1) for word in words if "=" in word)


def test_the_configuration_says_most_of_it() -> None:
    """Name, user, address, prefix; gateway and name server are the subnet's first address unless said."""
    machine = load(sound(), stack="test").machine("cp-1")
    card = card_of(machine, f"{KEY}\n")
    assert (card.hostname, card.user, card.key) == ("cp-1", "pi", KEY)
    assert (card.address, card.prefix, card.netmask) == ("10.0.0.11", 24, "255.255.255.0")
    assert (card.gateway, card.nameservers) == ("10.0.0.1", ("10.0.0.1",))
    said = card_of(machine, KEY, gateway="10.0.0.254", nameservers=["10.0.0.2"], interface="end0")
    assert (said.gateway, said.nameservers, said.interface) == ("10.0.0.254", ("10.0.0.2",), "end0")


def test_the_machine_s_own_network_is_taken() -> None:
    """Gateway, name servers and interface as the stack file has them."""
    raw = sound()
    raw["nodes"]["cp-1"]["network"] = {"interface": "end0", "gateway": "10.0.0.254", "dns": ["10.0.0.2"]}
    card = card_of(load(raw, stack="test").machine("cp-1"), KEY)
    assert (card.interface, card.gateway, card.nameservers) == ("end0", "10.0.0.254", ("10.0.0.2",))


def test_cloud_init_makes_the_user_and_no_password() -> None:
    """Ubuntu: the header that makes it a cloud-config, one user, the key, sudo."""
    files = cloud_init.ubuntu(CARD)
    assert files["user-data"].text.startswith("#cloud-config\n")
    data = yaml.safe_load(files["user-data"].text)
    (user,) = data["users"]
    assert (user["name"], user["ssh_authorized_keys"], user["lock_passwd"]) == ("pi", [KEY], True)
    assert user["sudo"] == "ALL=(ALL) NOPASSWD:ALL"
    assert (data["hostname"], data["fqdn"], data["ssh_pwauth"]) == ("pandore", "pandore.example.test", False)
    assert yaml.safe_load(files["meta-data"].text)["instance-id"] == "helicon-pandore"


def test_cloud_init_gives_the_static_address() -> None:
    """As netplan reads it; Raspberry Pi OS has it below `network`."""
    plain = yaml.safe_load(cloud_init.ubuntu(CARD)["network-config"].text)
    assert plain["version"] == 2
    assert plain["ethernets"]["eth0"] == {
        "dhcp4": False,
        "addresses": ["10.42.253.40/24"],
        "routes": [{"to": "default", "via": "10.42.253.1"}],
        "nameservers": {"addresses": ["10.42.253.1", "10.42.253.2"], "search": ["example.test"]},
    }
    below = yaml.safe_load(cloud_init.raspberry_pi_os(CARD)["network-config"].text)
    assert below == {"network": plain}


def test_bookworm_reads_its_toml() -> None:
    """Only keys that init_config knows; without a password the user is locked."""
    found = tomllib.loads(bookworm.custom_toml(CARD))
    assert found == {
        "config_version": 1,
        "system": {"hostname": "pandore"},
        "user": {"name": "pi"},
        "ssh": {"enabled": True, "password_authentication": False, "authorized_keys": [KEY]},
    }


def test_bookworm_s_script_is_sound_shell() -> None:
    """bash accepts it, and its values are what was meant."""
    text = bookworm.first_run(CARD)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    values = assignments(text.partition("set +e")[0])
    assert values["address"] == "10.42.253.40"
    assert values["nameservers"] == "10.42.253.1;10.42.253.2;"
    assert values["search"] == "example.test;"


def test_the_command_line_stays_one_line_and_is_added_to_once() -> None:
    """What the image has there is kept in its order."""
    before = (
        "console=tty1 root=PARTUUID=1234-02 rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n"
    )
    once = bookworm.command_line(before)
    assert once == f"{before.rstrip()} {bookworm.RUN}\n"
    assert bookworm.command_line(once) == once


def test_armbian_is_asked_nothing() -> None:
    """Every preset of a static network and a user is there; the script has the key and locks passwords."""
    files = armbian.armbian(CARD, "thrown-away")
    presets = assignments(files[armbian.PRESETS].text)
    assert presets["PRESET_NET_STATIC_IP"] == "10.42.253.40"
    assert presets["PRESET_NET_STATIC_MASK"] == "255.255.255.0"
    assert presets["PRESET_NET_STATIC_DNS"] == "10.42.253.1 10.42.253.2"
    assert presets["PRESET_USER_NAME"] == "pi"
    assert files[armbian.PRESETS].mode == 0o600
    script = files[armbian.SCRIPT].text
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert assignments(script.partition("home=")[0])["key"] == KEY
    assert "passwd --lock root" in script


def test_values_of_the_user_s_own_do_not_leave_their_quotes() -> None:
    """A key's comment may hold anything."""
    odd = replace(CARD, key="ssh-ed25519 AAAA $(reboot)'\"; `id`")
    assert assignments(armbian.script(odd).partition("home=")[0])["key"] == odd.key
    assert tomllib.loads(bookworm.custom_toml(odd))["ssh"]["authorized_keys"] == [odd.key]
    assert yaml.safe_load(cloud_init.ubuntu(odd)["user-data"].text)["users"][0]["ssh_authorized_keys"] == [
        odd.key
    ]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a stack file and a key pair."""
    (tmp_path / "id.pub").write_text(f"{KEY}\n")
    raw = sound()
    raw["defaults"]["connection"]["identity_file"] = str(tmp_path / "id")
    config = {"config": {f"helicon:{key}": value for key, value in raw.items()}}
    (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("system", list(program.SYSTEMS))
def test_files_are_written_and_may_be_written_again(
    stack: Path, system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind of card, twice; the output says where they belong and what comes next."""
    for _ in range(2):
        assert program.main(["test", "cp-1", "--system", system]) == 0
    place = stack / ".cache/card/test/cp-1"
    assert [path for path in place.rglob("*") if path.is_file()]
    said = capsys.readouterr().out
    assert "pi@10.0.0.11/24 on eth0, gateway 10.0.0.1" in said
    assert "make trust STACK=test" in said


def test_a_mounted_bookworm_card_gets_its_command_line(stack: Path) -> None:
    """The script is started without the user editing anything."""
    card = stack / "bootfs"
    card.mkdir()
    (card / "cmdline.txt").write_text("console=tty1 rootwait\n")
    assert program.main(["test", "w-1", "--system", "raspberry-pi-os-bookworm", "--card", str(card)]) == 0
    assert bookworm.RUN in (card / "cmdline.txt").read_text()


def test_a_wrong_name_or_a_missing_key_is_said(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which machines there are, and how to get a key."""
    assert program.main(["test", "nobody"]) == 1
    assert "Known: lb-1, cp-1" in capsys.readouterr().err
    (stack / "id.pub").unlink()
    assert program.main(["test", "cp-1"]) == 1
    assert "Next: make key STACK=test" in capsys.readouterr().err
