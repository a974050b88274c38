"""The OCI runtime's rewriting of what runc reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.boards import runtime

FULL = (1 << len(runtime.CAPABILITIES)) - 1
WITHOUT_RESOURCE = FULL & ~(1 << runtime.CAPABILITIES.index("SYS_RESOURCE"))
HARD = {"RLIMIT_NOFILE": 20000}


def process() -> dict[str, Any]:
    """A process as Docker writes it for a privileged container."""
    caps = [f"CAP_{name}" for name in runtime.CAPABILITIES]
    return {
        "args": ["/sbin/init"],
        "capabilities": {"bounding": caps, "effective": caps, "permitted": caps},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1024}],
        "oomScoreAdj": -500,
    }


def test_a_full_bounding_set_loses_the_clock_and_nothing_else() -> None:
    """Limits stay as they are: the machine can give them."""
    fitted = runtime.fit(process(), runtime.allowed(FULL), HARD)
    dropped = set(process()["capabilities"]["bounding"]) - set(fitted["capabilities"]["bounding"])
    assert dropped == {"CAP_SYS_TIME"}
    assert fitted["rlimits"] == process()["rlimits"]
    assert fitted["oomScoreAdj"] == -500


def test_without_the_resource_capability_limits_are_clamped() -> None:
    """Hard limits to ours, a soft one that fits stays, and the score is not lowered."""
    fitted = runtime.fit(process(), runtime.allowed(WITHOUT_RESOURCE), HARD)
    assert all("CAP_SYS_RESOURCE" not in caps for caps in fitted["capabilities"].values())
    assert fitted["rlimits"] == [{"type": "RLIMIT_NOFILE", "hard": 20000, "soft": 1024}]
    assert fitted["oomScoreAdj"] == 0
    assert fitted["args"] == ["/sbin/init"]


def test_a_soft_limit_above_the_hard_one_is_clamped_too() -> None:
    """runc refuses a soft limit above the hard one."""
    wanted = process() | {"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1048576}]}
    fitted = runtime.fit(wanted, runtime.allowed(WITHOUT_RESOURCE), HARD)
    assert fitted["rlimits"] == [{"type": "RLIMIT_NOFILE", "hard": 20000, "soft": 20000}]


def test_a_limit_of_ours_that_is_unlimited_clamps_nothing() -> None:
    """A type without a hard limit of ours keeps what was asked."""
    fitted = runtime.fit(process(), runtime.allowed(WITHOUT_RESOURCE), {})
    assert fitted["rlimits"] == process()["rlimits"]


def test_the_process_of_an_exec_may_leave_everything_out() -> None:
    """`docker exec` as a user without capabilities names none."""
    assert runtime.fit({"args": ["true"]}, runtime.allowed(FULL), {})["capabilities"] == {}


def test_options_are_found_in_both_spellings() -> None:
    """containerd's shim writes `--bundle value`; people write `--bundle=value`."""
    assert runtime.option(["--root", "/r", "create", "--bundle", "/b", "id"], "--bundle", "-b") == "/b"
    assert runtime.option(["create", "-b=/b", "id"], "--bundle", "-b") == "/b"
    assert runtime.option(["state", "id"], "--bundle", "-b") is None


def test_the_bounding_set_is_read_from_the_kernels_words() -> None:
    """The line of /proc/self/status, hexadecimal."""
    assert runtime.bounding_set("CapEff:\t00\nCapBnd:\t000001fffeffffff\nCapAmb:\t00\n") == 0x1FFFEFFFFFF


def test_run_alone_it_rewrites_the_bundle_and_becomes_runc(tmp_path: Path) -> None:
    """The copied file, with a runc that tells its arguments, leaves the rest of the bundle alone."""
    runc = tmp_path / "bin" / "runc"
    runc.parent.mkdir()
    runc.write_text('#!/bin/sh\necho "$@"\n')
    runc.chmod(0o755)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"ociVersion": "1.0.2", "process": process(), "root": {"path": "rootfs"}}))
    copied = tmp_path / "runtime"
    copied.write_bytes(Path(str(runtime.__file__)).read_bytes())
    argv = [sys.executable, "-I", str(copied), "create", "--bundle", str(tmp_path), "board"]
    path = {"PATH": f"{runc.parent}:/bin:/usr/bin"}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30, env=path)
    written = json.loads(config.read_text())
    assert done.stdout == f"create --bundle {tmp_path} board\n"
    assert "CAP_SYS_TIME" not in written["process"]["capabilities"]["bounding"]
    assert written["root"] == {"path": "rootfs"}
