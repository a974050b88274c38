"""The limit: one script by parallel ssh, without state, plan or journal."""

from __future__ import annotations

import shlex

from bench.contenders.contender import DRY, Command, Contender
from bench.places import REPOSITORY
from bench.preparation import every_file, variables
from bench.target import USER

BODY = REPOSITORY / "bench" / "contenders" / "prepare.sh"


def script() -> str:
    """The script that every machine runs: the data, then the steps."""
    given = variables()
    lines = [
        f"{key}={shlex.quote(given[key])}"
        for key in ("endpoint", "endpoint_address", "zone", "deployer", "key", "group", "disabled")
    ]
    lines += [f"{key}={shlex.quote(' '.join(given[key]))}" for key in ("modules", "packages", "units")]
    lines.append(f"count={len(given['packages'])}")
    files = "".join(
        f"file {shlex.quote(path)} {one.mode.lstrip('0')} <<'END_OF_FILE'\n{one.text}END_OF_FILE\n"
        for path, one in every_file().items()
    )
    live = "".join(f"set_live {key} {shlex.quote(value)}\n" for key, value in given["sysctl"].items())
    return "\n".join(
        [*lines, f"wanted_files() {{\n{files}}}", f"wanted_sysctl() {{\n{live}}}", BODY.read_text()]
    )


class Script(Contender):
    """As many ssh at once as there are machines; the status is that of the worst."""

    name = "script"

    def prepare(self) -> None:
        """The script, and the one that sends it everywhere."""
        (self.place / "prepare.sh").write_text(script())
        for mode in ("dry", "wet"):
            (self.place / f"{mode}.sh").write_text(self._sender(mode))

    def command(self, scenario: str) -> Command:
        """All machines."""
        mode = "dry" if scenario == DRY else "wet"
        return Command(argv=["sh", str(self.place / f"{mode}.sh")], cwd=self.place)

    def _sender(self, mode: str) -> str:
        options = shlex.join(["-i", str(self.fleet.identity), *self.fleet.ssh_options])
        lines = [
            f"{{ ssh {options} -p {one.port} {USER}@{one.address} "
            f"sudo -n sh -s -- {mode} {one.name} {one.own_address} <prepare.sh || echo {one.name} >>failed; }} &"
            for one in self.fleet.targets
        ]
        return "\n".join(["rm -f failed", *lines, "wait", "[ ! -s failed ]", ""])
