"""The Pulumi engine and its Python language host, built from the Go module proxy."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
ENGINE = "v3.217.1"
"""The newest engine whose packages the Go module proxy serves (see engine/go.mod)."""
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
SDK = "github.com/pulumi/pulumi/sdk/v3"
HELPERS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
"""Scripts that stand beside the language host: the program's runner, the dynamic provider's launcher."""
Say = Callable[[str], None]


def environment() -> dict[str, str]:
    """Go's environment: the checksum database lacks these modules, so go.sum alone pins them."""
    return {**os.environ, "GONOSUMDB": "github.com/pulumi/*", "GOFLAGS": "-mod=mod -buildvcs=false"}


def build(target: Path, say: Say) -> None:
    """Build `pulumi` and `pulumi-language-python` into a directory, with the helper scripts."""
    target.mkdir(parents=True, exist_ok=True)
    say(f"building the Pulumi engine {ENGINE} (about 3 minutes on 2 cores)")
    _go_build(HERE / "engine", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", target / "pulumi")
    say("building the Python language host")
    host = f"{SDK}/python/cmd/pulumi-language-python"
    _go_build(HERE / "languagehost", host, target / "pulumi-language-python")
    source = _module(f"{SDK}@{ENGINE}")
    for helper in HELPERS:
        copy = target / Path(helper).name
        shutil.copyfile(source / helper, copy)
        copy.chmod(copy.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _go_build(module: Path, package: str, output: Path) -> None:
    flags = f"-s -w -X {VERSION_VARIABLE}={ENGINE}"
    partial = output.with_suffix(".partial")
    argv = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(partial), package]
    _run(argv, module, {**environment(), "GOFLAGS": "-buildvcs=false"})
    partial.replace(output)


def _module(version: str) -> Path:
    answer = _run(["go", "mod", "download", "-json", version], HERE / "languagehost", environment())
    return Path(json.loads(answer)["Dir"])


def _run(argv: list[str], directory: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(argv, cwd=directory, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.splitlines()[-10:])
        raise SystemExit(f"toolchain: `{' '.join(argv)}` exited with {done.returncode}:\n{last}")
    return done.stdout
