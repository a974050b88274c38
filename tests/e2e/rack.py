"""The rack under test: boards, the program on them, and what can be asked of both."""

from __future__ import annotations

import copy
import ipaddress
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from lab.boards import __main__ as boards
from lab.boards import commands, files, plan, power
from lab.bundle.build import build
from lab.errors import LabError
from lab.namespace import inside
from lab.places import REPOSITORY
from lab.program import Program
from lab.shell import say

BOARDS = dict.fromkeys(("lb-1", "cp-1", "cp-2", "cp-3", "w-1", "w-2", "w-3"), "")
"""A load balancer, three control planes, two workers and a spare one, none of them dressed."""
Stack = dict[str, Any]


class TestRack:
    """A lab of its own beside the one of `make lab`; boards by name, each with its dress."""

    __test__ = False

    def __init__(self, name: str = "e2e", net: str = "10.124.0", boards: Mapping[str, str] = BOARDS) -> None:
        self._net = net
        self.lab = plan.Lab(name=name, subnet=ipaddress.IPv4Network(f"{net}.0/24"))
        self.boards = {one: plan.Board(lab=self.lab, name=one, dress=dress) for one, dress in boards.items()}
        self.bundle = build()
        self.program = Program(name, bundle=self.bundle)
        self.before: dict[str, files.Snapshot] = {}

    def begin(self) -> None:
        """Fresh boards, an empty stack, and a picture of every board's files."""
        boards.up(self.lab, list(self.boards.values()), reset=True)
        self.program.forget()
        self.program.prepare()
        self.configure(lambda stack: None)
        self.before = {name: files.snapshot(board) for name, board in self.boards.items()}

    def end(self) -> None:
        """The boards go, and what runs that were killed left behind: the SDK's provider waits for ever."""
        own = f"PULUMI_HOME={self.program.environment()['PULUMI_HOME']}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # over by now, or never had an environment
                if own in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
        boards.down(self.lab)

    def stack(self) -> Stack:
        """The stack file of `make lab` as this rack has it: own addresses, own key, one load balancer."""
        text = (REPOSITORY / "Pulumi.lab.yaml").read_text()
        name = self.lab.name
        text = text.replace("10.123.0.", f"{self._net}.").replace(".lab/lab/", f".lab/{name}/")
        stack: Stack = yaml.safe_load(text.replace("known_hosts.lab", f"known_hosts.{name}"))
        stack["config"]["helicon:load_balancers"].pop("lb-2", None)
        return stack

    def configure(self, change: Callable[[Stack], object]) -> None:
        """Change the rack's stack file."""
        stack = self.current() if self.program.stack_file.exists() and self.before else self.stack()
        change(stack["config"])
        self.program.write_stack_file(stack)

    def set_secret(self, path: str, value: str) -> None:
        """Put a secret into the stack file, as a user does."""
        argv = self.program.command("config", "set", "--secret", "--path", path)
        subprocess.run(
            argv, cwd=REPOSITORY, env=self.program.environment(), input=value, text=True, check=True
        )

    def current(self) -> Stack:
        """The stack file as it is."""
        return copy.deepcopy(yaml.safe_load(self.program.stack_file.read_text()))

    def pulumi(self, *args: str, check: bool = True, **env: str) -> str:
        """Run pulumi and give back what it printed."""
        done = self.program.run(*args, check=False, quiet=True, env=env)
        text = done.stdout + done.stderr
        say(text)
        if check:
            assert done.returncode == 0, text[-6000:]
        else:
            assert done.returncode != 0, f"expected a failure:\n{text[-6000:]}"
        return text

    def up(self, *more: str, check: bool = True, **env: str) -> str:
        """`pulumi up`."""
        return self.pulumi("up", "--yes", "--skip-preview", *more, check=check, **env)

    def destroy(self, *more: str, check: bool = True, **env: str) -> str:
        """`pulumi destroy`."""
        return self.pulumi("destroy", "--yes", "--skip-preview", *more, check=check, **env)

    def killed(self, verb: str, when: Callable[[str], bool], env: Mapping[str, str] | None = None) -> str:
        """Start a run and end its whole process group with SIGKILL as soon as its output says so."""
        argv = self.program.command(verb, "--yes", "--skip-preview")
        run = subprocess.Popen(
            argv,
            cwd=REPOSITORY,
            env={**self.program.environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert run.stdout is not None
        watchdog = threading.Timer(900, os.killpg, (run.pid, signal.SIGKILL))
        watchdog.start()
        seen = ""
        for line in run.stdout:
            seen += line
            if when(seen):
                break
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        watchdog.cancel()
        self.program.unlock()
        return seen

    def tool(self, module: str, *args: str, check: bool = True) -> str:
        """Run one of the program's own commands on this rack, as make does, and give back what it printed."""
        done = subprocess.run(
            inside([sys.executable, "-m", module, self.lab.name, *args]),
            cwd=self.program.place,
            env={**self.program.environment(), "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        say(text)
        assert (done.returncode == 0) == check, text[-6000:]
        return text

    def kubectl(self, *args: str) -> str:
        """kubectl through the load balancer."""
        return self.program.kubectl(*args)

    def nodes(self) -> Mapping[str, bool]:
        """Node names, and whether each is Ready."""
        items = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        return {
            item["metadata"]["name"]: any(
                one["type"] == "Ready" and one["status"] == "True" for one in item["status"]["conditions"]
            )
            for item in items
        }

    def root(self, board: str, *argv: str) -> str:
        """A command on a board, past SSH."""
        return power.root(self.boards[board], *argv)

    def answers(self) -> bool:
        """Whether the API answers through the load balancer, asked once."""
        argv = inside(["kubectl", "--request-timeout=3s", "get", "--raw", "/readyz"])
        done = subprocess.run(
            argv, env=self.program.environment(), capture_output=True, timeout=10, check=False
        )
        return done.returncode == 0

    def api_ready(self, name: str) -> bool:
        """Whether a control plane's own API server is ready, asked past the load balancer where it now is."""
        address = self.current()["config"]["helicon:nodes"][name]["address"]
        url = f"https://{address}:6443/readyz"
        argv = inside(["curl", "--silent", "--insecure", "--fail", "--max-time", "3", url])
        return subprocess.run(argv, capture_output=True, timeout=10, check=False).returncode == 0

    def marks(self) -> dict[str, int]:
        """Where the record of executed commands stands on every board."""
        return {name: commands.mark(board) for name, board in self.boards.items()}

    def written(self, since: Mapping[str, int]) -> list[str]:
        """Commands since the marks that are not known to only read."""
        return [
            f"{name}: {entry.line}"
            for name, board in self.boards.items()
            for entry in commands.writers(commands.executed(board, since[name]))
        ]

    def asked(self, since: Mapping[str, int]) -> dict[str, int]:
        """Commands that each board was sent since the marks: a round trip each, and all limited in time."""
        return {
            name: sum(
                entry.line.startswith("timeout -k 5 ") for entry in commands.executed(board, since[name])
            )
            for name, board in self.boards.items()
        }

    def changed(
        self, before: Mapping[str, files.Snapshot], *, living: bool, but: Mapping[str, str] | None = None
    ) -> list[str]:
        """What differs on the boards' file systems but for more paths; with `living`, times count too."""
        ignoring = {**(files.LIVING if living else files.LEFT), **(but or {})}
        return [
            f"{name}{line}"
            for name, board in self.boards.items()
            for line in files.compare(before[name], files.snapshot(board), ignoring, times=living)
        ]


def eventually(what: str, holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds

    def now() -> bool:
        try:
            return holds()
        except LabError:
            return False  # an API that is just coming back refuses, hangs up, or times out

    while not now():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(1)
