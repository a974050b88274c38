"""pyinfra: facts first, then only the operations that are needed; no state is kept."""

from __future__ import annotations

import json

from bench.contenders.contender import DRY, Command, Contender, tool
from bench.places import REPOSITORY
from bench.preparation import variables
from bench.target import USER

DEPLOY = REPOSITORY / "bench" / "contenders" / "deploy.py"


class Pyinfra(Contender):
    """As many machines at once as there are; the machines do not wait for each other between operations."""

    name = "pyinfra"

    def prepare(self) -> None:
        """Inventory and data."""
        hosts = [(one.name, self._data(one.address, one.port, one.own_address)) for one in self.fleet.targets]
        (self.place / "inventory.py").write_text(f"hosts = {hosts!r}\n")
        (self.place / "wanted.json").write_text(json.dumps(variables()))

    def command(self, scenario: str) -> Command:
        """One deploy."""
        parallel = ["--parallel", str(max(1, len(self.fleet.targets))), "--no-wait"]
        dry = ["--dry"] if scenario == DRY else ["-y"]
        argv = [tool("pyinfra"), *parallel, *dry, str(self.place / "inventory.py"), str(DEPLOY)]
        return Command(argv=argv, env={"BENCH_WANTED": str(self.place / "wanted.json")}, cwd=self.place)

    def _data(self, address: str, port: int, own_address: str) -> dict[str, object]:
        return {
            "ssh_hostname": address,
            "ssh_port": port,
            "ssh_user": USER,
            "ssh_key": str(self.fleet.identity),
            "ssh_known_hosts_file": str(self.fleet.known_hosts),
            "ssh_strict_host_key_checking": "yes",
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
            "_sudo": True,
            "own_address": own_address,
        }
