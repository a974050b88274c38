"""ansible-core: pipelining, persistent connections and a fork for each machine; with mitogen as well."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from bench.contenders.contender import DRY, Command, Contender, tool
from bench.places import REPOSITORY
from bench.preparation import variables
from bench.target import USER, Target

PLAYBOOK = REPOSITORY / "bench" / "contenders" / "playbook.yml"
_FIND_MITOGEN = "import ansible_mitogen.loaders; print(list(ansible_mitogen.__path__)[0])"
"""The import refuses an ansible-core that is too old for it."""


class Ansible(Contender):
    """Without gathering facts, which nothing in the playbook needs."""

    name = "ansible"
    facts = False

    def prepare(self) -> None:
        """Inventory, variables, and settings that are nobody's own."""
        (self.place / "ansible.cfg").write_text("[defaults]\n")
        hosts = {one.name: self._host(one) for one in self.fleet.targets}
        inventory = {"all": {"hosts": hosts, "vars": variables()}}
        (self.place / "inventory.json").write_text(json.dumps(inventory))

    def command(self, scenario: str) -> Command:
        """One playbook; the dry run is its check mode."""
        argv = [tool("ansible-playbook"), "-i", str(self.place / "inventory.json"), str(PLAYBOOK)]
        check = ["--check", "--diff"] if scenario == DRY else []
        return Command(argv=[*argv, *check], env=self.environment(), cwd=self.place)

    def environment(self) -> dict[str, str]:
        """The settings that its documentation names for speed; time for many boards' sudo at once."""
        ssh = ["-oControlMaster=auto", "-oControlPersist=60s", *self.fleet.ssh_options]
        return {
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_FORKS": str(max(5, len(self.fleet.targets))),
            "ANSIBLE_SSH_ARGS": " ".join(ssh),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.place / "cp"),
            "ANSIBLE_TIMEOUT": "60",  # with 50 boards on two processors sudo took longer than its 10 s
            "ANSIBLE_GATHERING": "implicit" if self.facts else "explicit",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.place / "tmp"),
            "ANSIBLE_HOME": str(self.place / "home"),
            "ANSIBLE_CONFIG": str(self.place / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "default",
        }

    def _host(self, one: Target) -> dict[str, Any]:
        return {
            "ansible_host": one.address,
            "ansible_port": one.port,
            "ansible_user": USER,
            "ansible_ssh_private_key_file": str(self.fleet.identity),
            "ansible_python_interpreter": "/usr/bin/python3",
            "own_address": one.own_address,
        }


class AnsibleFacts(Ansible):
    """As most playbooks are: facts first."""

    name = "ansible with facts"
    facts = True


class AnsibleMitogen(Ansible):
    """mitogen's strategy in place of Ansible's own, without facts."""

    name = "ansible with mitogen"

    def environment(self) -> dict[str, str]:
        """The same, with mitogen's strategy."""
        strategies = f"{mitogen()}/plugins/strategy"
        return {
            **super().environment(),
            "ANSIBLE_STRATEGY_PLUGINS": strategies,
            "ANSIBLE_STRATEGY": "mitogen_linear",
        }


def mitogen() -> str:
    """Where mitogen lies; "" where the installed one does not support the installed ansible-core."""
    done = subprocess.run([tool("python"), "-c", _FIND_MITOGEN], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
