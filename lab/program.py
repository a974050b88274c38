"""The Pulumi program on the simulated rack: its environment, its stack file, its runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from lab import namespace
from lab.errors import LabError
from lab.places import REPOSITORY, state
from toolchain.install import install, official

PARALLEL = 32
"""Operations at once: more than twice the machines of a lab."""
READS_STACK_FILE = ("up", "preview", "refresh", "destroy", "config")
"""The verbs that take --config-file."""


def backend(place: Path) -> str:
    """Where Pulumi keeps its state: a directory, with no `.attrs` file beside each file (gocloud.dev/blob/fileblob).

    Pulumi asks for none of those, and writes them in two steps: a run that is killed between the two leaves
    an empty one, with which the state can no longer be read (`failed to load checkpoint: EOF`).
    """
    return f"file://{place}?metadata=skip"


class Program:
    """`pulumi` for one lab: own home, own backend, own copy of the stack file, in the namespace."""

    def __init__(self, lab: str = "lab", *, bundle: Path | None = None) -> None:
        self.lab = lab
        self.place = state(lab)
        self.stack_file = self.place / f"Pulumi.{lab}.yaml"
        self.kubeconfig = self.place / "kubeconfig"
        self._bundle = bundle
        self._path: list[str] | None = None

    def prepare(self) -> None:
        """Make what a run needs: bundle, passphrase, stack file, stack; safe to repeat."""
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._link_bundle()
        passphrase = self.place / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))
        (self.place / "state").mkdir(exist_ok=True)
        self.write_stack_file(yaml.safe_load((REPOSITORY / "Pulumi.lab.yaml").read_text()))
        # `stack init` writes the salt of the secrets into the stack file of the project it stands in
        shutil.copyfile(REPOSITORY / "Pulumi.yaml", self.place / "Pulumi.yaml")
        if self._stand("stack", "select", self.lab, check=False).returncode:
            self._stand("stack", "init", self.lab, "--secrets-provider", "passphrase")

    def _link_bundle(self) -> None:
        """Where the stack file looks for the artifacts."""
        if self._bundle:
            link = REPOSITORY / ".lab" / "bundle"
            link.unlink(missing_ok=True)
            link.symlink_to(self._bundle)

    def write_stack_file(self, wanted: Mapping[str, object]) -> None:
        """Write the lab's copy; the salt of its secrets, which Pulumi keeps in that file, survives."""
        former = yaml.safe_load(self.stack_file.read_text()) if self.stack_file.exists() else {}
        salt = {key: value for key, value in (former or {}).items() if key == "encryptionsalt"}
        partial = self.stack_file.with_suffix(".partial")
        partial.write_text(yaml.safe_dump({**wanted, **salt}, sort_keys=False))
        partial.replace(self.stack_file)

    def environment(self) -> dict[str, str]:
        """What the CLI and its plugins find in their environment; no secret among it."""
        own = {
            "PULUMI_HOME": str(self.place / "pulumi"),
            "PULUMI_BACKEND_URL": backend(self.place / "state"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.place / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PARALLEL": str(PARALLEL),
            "PULUMI_CONTINUE_ON_ERROR": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "KUBECONFIG": str(self.kubeconfig),
            "VIRTUAL_ENV": str(Path(sys.prefix)),
        }
        if self._engine():
            own["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return {**os.environ, **own, "PATH": os.pathsep.join([*self._first(), os.environ["PATH"]])}

    def command(self, *args: str) -> list[str]:
        """The command line that runs `pulumi` on the lab's stack in the namespace."""
        options = ["--non-interactive"]
        if args[:2] not in (("stack", "select"), ("stack", "init")):
            options += ["--stack", self.lab]
        if args[0] in READS_STACK_FILE:
            options += ["--config-file", str(self.stack_file)]
        return namespace.inside(["pulumi", *args, *options])

    def run(
        self,
        *args: str,
        check: bool = True,
        quiet: bool = False,
        env: Mapping[str, str] | None = None,
        timeout: float = 3600,
        place: Path = REPOSITORY,
    ) -> subprocess.CompletedProcess[str]:
        """Run `pulumi`; its lines are shown as they come unless `quiet`, then they are returned."""
        done = subprocess.run(
            self.command(*args),
            cwd=place,
            env={**self.environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=quiet,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            said = f":\n{done.stdout[-3000:]}{done.stderr[-3000:]}" if quiet else ", see above"
            raise LabError(
                item=f"pulumi {args[0]}",
                expected="status 0",
                found=f"{done.returncode}{said}",
                next_step="mend what the first error names, then the same command again",
            )
        return done

    def unlock(self) -> None:
        """Give up the lock of a run that was killed; one that lives keeps it."""
        for lock in (self.place / "state").glob(".pulumi/locks/**/*.json"):
            process = json.loads(lock.read_text()).get("pid", 0)
            if not Path(f"/proc/{process}").exists():
                self.run("cancel", "--yes", check=False, quiet=True)

    def _stand(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(*args, check=check, quiet=True, place=self.place)

    def write_kubeconfig(self) -> None:
        """Keep the stack's kubeconfig in a file of the user's only."""
        text = self.run("stack", "output", "kubeconfig", "--show-secrets", quiet=True).stdout
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(text)

    def kubectl(self, *args: str, timeout: float = 120) -> str:
        """What kubectl prints, as administrator, from inside the namespace."""
        done = subprocess.run(
            namespace.inside(["kubectl", *args]),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise LabError(
                item=f"kubectl {' '.join(args)}",
                expected="status 0",
                found=done.stderr.strip(),
                next_step="pulumi up, which mends what is missing",
            )
        return done.stdout

    def forget(self) -> None:
        """Drop the stack's state and its files, after the machines were given back."""
        shutil.rmtree(self.place / "state", ignore_errors=True)
        self.kubeconfig.unlink(missing_ok=True)
        self.stack_file.unlink(missing_ok=True)

    def become(self, argv: Sequence[str]) -> None:
        """Replace this process by a command in the lab: `pulumi …`, `kubectl …`, `ssh …`."""
        inside = self.command(*argv[1:]) if argv[0] == "pulumi" else namespace.inside(argv)
        os.chdir(REPOSITORY)
        os.execvpe(inside[0], inside, self.environment())

    def _engine(self) -> Path | None:
        home = self.place / "pulumi"
        return None if official() else install(home)

    def _first(self) -> list[str]:
        if self._path is None:
            engine = self._engine()
            # the old language host finds the program's Python by PATH alone
            tools = self._bundle / "bin" if self._bundle else None
            parts = [Path(sys.prefix) / "bin", engine, tools]
            self._path = [str(part) for part in parts if part]
        return self._path
