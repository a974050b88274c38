"""The journal, on a throwaway machine with the real shell."""

from __future__ import annotations

import pytest

from providers.core.journal import JOURNAL, ROOT, Journal
from tests.local_host import LocalHost

CHANGES = ("rm -rf /etc/x; echo changed > /etc/x", "rm -rf /etc/x; mkdir /etc/x", "rm -rf /etc/x")
AWKWARD = 'it\'s "quoted" $HOME `id` \\n \n\n second line ünïcode\n'


@pytest.mark.parametrize(
    "value", ["", "old", AWKWARD, "x" * 300_000], ids=["empty", "plain", "awkward", "large"]
)
def test_what_was_remembered_is_recalled(local_host: LocalHost, value: str) -> None:
    """Every value comes back to the last byte, also one that no argument could hold."""
    journal = Journal(local_host)
    journal.remember("thing", {"a key/with: anything": value, "other": "1"})
    assert journal.recall("thing", ["a key/with: anything"]) == {"a key/with: anything": value}


def test_the_first_entry_is_the_one_that_counts(local_host: LocalHost) -> None:
    """A second run that observes its own change must not take it for what was there before."""
    journal = Journal(local_host)
    journal.remember("thing", {"key": "before"})
    journal.remember("thing", {"key": "x" * 100_000, "late": "1"})
    journal.remember("thing", {"key": "changed"})
    assert journal.entries("thing") == {"key": "before", "late": "1"}


def test_things_do_not_share_entries(local_host: LocalHost) -> None:
    """The same key of two things has two entries."""
    journal = Journal(local_host)
    journal.remember("one", {"key": "1"})
    assert journal.recall("two", ["key"]) == {}


def test_a_forgotten_entry_leaves_nothing(local_host: LocalHost) -> None:
    """The last entry takes its directory along; forgetting twice is fine."""
    journal = Journal(local_host)
    journal.remember("thing", {"key": "1"})
    journal.forget("thing", ["key"])
    journal.forget("thing", ["key"])
    assert journal.recall("thing", ["key"]) == {}
    assert local_host.tree(f"{JOURNAL}/thing") == []


def test_only_root_may_read_it(local_host: LocalHost) -> None:
    """Neither directories nor entries are open to others."""
    Journal(local_host).remember("thing", {"key": "1"})
    modes = [line.split()[1] for line in local_host.tree(ROOT) if line[:2] in ("d ", "f ")]
    assert set(modes) == {"700", "600"}


@pytest.mark.parametrize(
    "make",
    [
        "printf 'no end of line' > /etc/x; chmod 640 /etc/x; chown 1:2 /etc/x",
        "ln -s nowhere /etc/x",
        "mkdir -p /etc/x/deep; echo 1 > /etc/x/deep/file",
        "true",
    ],
    ids=["file", "link", "directory", "nothing"],
)
@pytest.mark.parametrize("change", CHANGES)
def test_kept_files_come_back_as_they_were(local_host: LocalHost, make: str, change: str) -> None:
    """Content, mode, owner and kind, whatever is in the way; restoring twice is fine."""
    local_host.run(["sh", "-c", make])
    before = local_host.tree("/etc")
    journal = Journal(local_host)
    journal.keep_files(["/etc/x"])
    local_host.run(["sh", "-c", change])
    journal.keep_files(["/etc/x"])
    journal.restore_files(["/etc/x"])
    journal.restore_files(["/etc/x"])
    assert local_host.tree("/etc") == before
    assert local_host.tree(f"{JOURNAL}/files") == []


def test_files_and_values_are_noted_together(local_host: LocalHost) -> None:
    """Each where it would be alone, with and without the other, small or large."""
    local_host.run(["sh", "-c", "echo old > /etc/x"])
    journal = Journal(local_host)
    journal.remember("thing", {"key": "before", "empty": ""}, files=["/etc/x", "/etc/y"])
    journal.remember("thing", {"large": "x" * 100_000}, files=["/etc/z"])
    journal.remember("thing", {}, files=["/etc/other"])
    assert journal.entries("thing") == {"key": "before", "empty": "", "large": "x" * 100_000}
    local_host.run(["sh", "-c", "cd /etc; for file in x y z other; do echo new > $file; done"])
    journal.restore_files(["/etc/x", "/etc/y", "/etc/z", "/etc/other"])
    argv = ["sh", "-c", "cat /etc/x; cd /etc; for file in y z other; do [ ! -e $file ] || echo $file; done"]
    assert local_host.run(argv).text == "old"


def test_directories_that_were_made_go_again(local_host: LocalHost) -> None:
    """Also where two files needed the same one and come back at different times."""
    before = local_host.tree("/etc")
    journal = Journal(local_host)
    for name in ("a", "b"):
        journal.keep_files([f"/etc/new/deeper/{name}"])
        local_host.write(f"/etc/new/deeper/{name}", "1")
    journal.restore_files(["/etc/new/deeper/a"])
    assert local_host.read("/etc/new/deeper/b") == "1"
    journal.restore_files(["/etc/new/deeper/b"])
    assert local_host.tree("/etc") == before


def test_directories_that_others_use_stay(local_host: LocalHost) -> None:
    """What somebody else put there is not ours to delete."""
    journal = Journal(local_host)
    journal.keep_files(["/etc/new/ours"])
    local_host.write("/etc/new/ours", "1")
    local_host.write("/etc/new/theirs", "1")
    journal.restore_files(["/etc/new/ours"])
    assert local_host.read("/etc/new/theirs") == "1"


@pytest.mark.parametrize("value", ["whole", "x" * 100_000], ids=["plain", "large"])
def test_a_copy_that_was_cut_short_counts_for_nothing(local_host: LocalHost, value: str) -> None:
    """A run that was killed while it kept a file leaves a piece of it, which the next run replaces."""
    local_host.run(["mkdir", "-p", f"{JOURNAL}/files", f"{JOURNAL}/thing/.coming"])
    local_host.write(f"{JOURNAL}/files/.new", "half a fi")
    local_host.write(f"{JOURNAL}/thing/.coming/key", "longer than wh")
    local_host.write(f"{JOURNAL}/thing/.coming/other", "half an en")
    journal = Journal(local_host)
    journal.keep_files(["/etc/hostname"])
    journal.remember("thing", {"key": value})
    local_host.write("/etc/hostname", "changed")
    journal.restore_files(["/etc/hostname"])
    assert local_host.read("/etc/hostname") == "raspberrypi\n"
    assert journal.entries("thing") == {"key": value}
    journal.forget("thing", ["key"])
    assert local_host.tree(f"{JOURNAL}/thing") == []


@pytest.mark.parametrize("value", ["small", "x" * 100_000], ids=["plain", "large"])
def test_nothing_counts_before_it_is_on_disk(local_host: LocalHost, value: str) -> None:
    """Contents are synced, then get their names without replacing any, then the names are synced."""
    local_host.run(["sh", "-c", "echo old > /etc/x"])
    for program in ("sync", "mv"):
        logged = f'#!/bin/sh\necho {program} "$@" >> /run/order\nexec /bin/{program} "$@"\n'
        local_host.write(f"/usr/local/sbin/{program}", logged, "0755")
    Journal(local_host).remember("thing", {"key": value}, files=["/etc/x"])
    ran = local_host.read("/run/order")
    assert ran is not None
    file = ["sync .new", "mv -n -T .new %2Fetc%2Fx", "sync ."]
    entry = ["sync -- .coming/key", "mv -n -t . -- .coming/key", "sync ."]
    assert ran.splitlines() == [*file, *entry]
