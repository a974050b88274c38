"""What a control plane does before it shuts down: the script runs for real, beside a process of that name."""

from __future__ import annotations

import pytest

from components import shutdown
from components.properties import system
from config import Rack, load
from tests.config.injections import sound
from tests.local_host import LocalHost

_BESIDE = """
printf '#!/bin/sh\\necho %s\\n' "$1" > /usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl
printf '#!/bin/sh\\n' > /usr/local/sbin/sleep; chmod 755 /usr/local/sbin/sleep
cp /bin/sleep /usr/local/bin/kube-apiserver; kube-apiserver 60 & server=$!
until read -r name < /proc/$server/comm && [ "$name" = kube-apiserver ]; do :; done
sh "$2" && kill -0 $server 2>/dev/null; kill -KILL $server 2>/dev/null
wait $server; echo $?
"""


@pytest.mark.parametrize(("state", "ended_by"), [("stopping", 15), ("running", 9)])
def test_the_api_server_is_told_at_a_shutdown_only(local_host: LocalHost, state: str, ended_by: int) -> None:
    """Whatever else stops the unit (a new text, a removal) must not end it."""
    local_host.write(
        shutdown.SCRIPT, shutdown.files(rack().machine("cp-1"))[shutdown.SCRIPT]["content"], "0755"
    )
    done = local_host.run(["sh", "-c", _BESIDE, "beside", state, shutdown.SCRIPT])
    assert int(done.text) == 128 + ended_by


def test_containers_end_after_it() -> None:
    """Scopes of both runtimes come before the unit, so they are stopped after it."""
    wanted = shutdown.files(rack().machine("cp-1"))
    orders = [path for path, one in wanted.items() if one["content"] == f"[Unit]\nBefore={shutdown.UNIT}\n"]
    assert orders == [
        "/etc/systemd/system/cri-containerd-.scope.d/helicon.conf",
        "/etc/systemd/system/docker-.scope.d/helicon.conf",
    ]


def test_only_control_planes_have_it() -> None:
    """Beside the user's own files and units."""
    given = rack()
    control_plane, worker = (system(given, given.machine(name)) for name in ("cp-1", "w-1"))
    assert shutdown.UNIT in control_plane["units"] and shutdown.SCRIPT in control_plane["files"]
    assert "units" not in worker and "files" not in worker


def rack() -> Rack:
    """The sound rack."""
    return load(sound(), stack="test")
