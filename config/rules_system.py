"""What must hold between the settings of an operating system and other parts."""

from __future__ import annotations

from config.draft import Draft
from config.problems import render, show
from config.system_scalars import sshd_problem


def _services(draft: Draft) -> None:
    """A service is off in one way, and nothing else starts it."""
    for path, machine in draft.machines():
        for at, unit in enumerate(machine.disabled_services):
            where = draft.origin(path, "disabled_services", at)
            if unit in machine.masked_services:
                suggestion = "Leave it in masked_services: what is masked is disabled."
                draft.report(where, expected="a service of its own", found=show(unit), suggestion=suggestion)
        for key in ("disabled_services", "masked_services"):
            for at, unit in enumerate(getattr(machine, key)):
                if unit in machine.units:
                    other = render(draft.origin(path, "units", unit))
                    draft.report(
                        draft.origin(path, key, at),
                        expected="a service that nothing else manages",
                        found=show(unit),
                        suggestion=f"Remove it here, or {other}.",
                    )


def _root_login(draft: Draft) -> None:
    """The SSH server lets in the user that this program logs in as."""
    for path, machine in draft.machines():
        value = machine.sshd.get("PermitRootLogin")
        if machine.connection.user == "root" and value in ("no", "forced-commands-only"):
            draft.report(
                draft.origin(path, "sshd", "PermitRootLogin"),
                expected="a way in for root, which is connection.user",
                found=show(value),
                suggestion='Write "prohibit-password" (keys only), or connect as another user.',
            )


def _sshd(draft: Draft) -> None:
    """Each option of the SSH server has a value of its kind."""
    for path, machine in draft.machines():
        for option, value in machine.sshd.items():
            problem = sshd_problem(option, value)
            if problem:
                where = draft.origin(path, "sshd", option)
                draft.report(where, expected=problem[0], found=show(value), suggestion=problem[1])


SYSTEM_RULES = (_services, _sshd, _root_login)
"""The rules of this module."""
