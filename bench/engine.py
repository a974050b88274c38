"""Pulumi for a measurement: own home, own backend in the work directory, one stack file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.contenders.contender import Command
from bench.places import CACHE, REPOSITORY
from lab.program import backend
from toolchain.install import install, official

HOME = CACHE / "pulumi"
STACK = "bench"
MARGIN = 4
"""Operations at once beside one for each machine."""
NO_CHECKPOINTS = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""The engine writes its state once, at the end, as docs/large-racks.md advises for a first run."""
READS_STACK_FILE = ("up", "preview", "refresh", "destroy")


class Engine:
    """One stack of one of the benchmark's projects, with a backend of its own."""

    def __init__(
        self, project: str, place: Path, parallel: int, env: Mapping[str, str] | None = None
    ) -> None:
        self.project = REPOSITORY / "bench" / project
        self.place = place
        self._parallel = parallel + MARGIN
        self._more = dict(env or {})

    @property
    def state_file(self) -> Path:
        """The checkpoint."""
        (found,) = (self.place / "state" / ".pulumi" / "stacks").rglob(f"{STACK}.json")
        return found

    def begin(self, config: Mapping[str, Any]) -> None:
        """An empty stack with this configuration."""
        shutil.rmtree(self.place / "state", ignore_errors=True)
        (self.place / "state").mkdir(parents=True)
        self.configure(config)
        argv = [*self.argv("stack", "init", STACK), "--secrets-provider", "passphrase"]
        self._do(argv, cwd=self._stand())

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write the stack file; the salt of its secrets is the one of the fixed passphrase."""
        file = self.place / f"Pulumi.{STACK}.yaml"
        former = yaml.safe_load(file.read_text()) if file.exists() else {}
        salt = {key: one for key, one in (former or {}).items() if key == "encryptionsalt"}
        file.write_text(yaml.safe_dump({**config, **salt}, sort_keys=False))

    def argv(self, *args: str) -> list[str]:
        """The command line of a verb."""
        options = ["--non-interactive"]
        if args[0] in READS_STACK_FILE:
            options += ["--stack", STACK, "--config-file", str(self.place / f"Pulumi.{STACK}.yaml")]
        if args[0] in ("up", "refresh", "destroy"):
            options += ["--yes", "--skip-preview"]
        return ["pulumi", *args, *options]

    def command(self, *args: str) -> Command:
        """A verb, to be measured."""
        return Command(argv=self.argv(*args), env=self.environment(), cwd=self.project)

    def run(self, *args: str) -> None:
        """A verb, not measured."""
        self._do(self.argv(*args), cwd=self.project)

    def environment(self) -> dict[str, str]:
        """What the CLI and its plugins find."""
        own = {
            "PULUMI_HOME": str(HOME),
            "PULUMI_BACKEND_URL": backend(self.place / "state"),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PARALLEL": str(self._parallel),
            "PYTHONPATH": str(REPOSITORY),
            "VIRTUAL_ENV": sys.prefix,
            "PATH": search_path(),
        }
        if len(first_on_path()) > 1:
            own["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return {**own, **self._more}

    def _stand(self) -> Path:
        """`stack init` writes the salt into the stack file of the project that it stands in: a copy."""
        shutil.copyfile(self.project / "Pulumi.yaml", self.place / "Pulumi.yaml")
        return self.place

    def _do(self, argv: Sequence[str], cwd: Path) -> None:
        env = {**os.environ, **self.environment()}
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


@cache
def first_on_path() -> list[str]:
    """What comes first on PATH: the program's Python, and our own engine where there is no official one."""
    own = [] if official() else [str(install(HOME))]
    return [str(Path(sys.prefix) / "bin"), *own]


def search_path() -> str:
    """The PATH on which the CLI is found, and finds its plugins."""
    return os.pathsep.join([*first_on_path(), os.environ["PATH"]])
