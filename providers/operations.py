"""What is done for a stack's resources, on their machines; properties in, properties out, no Pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from providers.abandoning import SILENT, abandon, lost
from providers.core import resource
from providers.core.errors import HostError
from providers.core.record import erase
from providers.kinds import KINDS, made_after
from providers.membership import formation, leaving, readiness
from providers.preflight.finding import report, stops
from providers.session import Session
from providers.ssh.following import FollowingHost

Properties = dict[str, Any]
ABOUT = ("urn", "machine", "connection", "__provider")
"""Properties that say where and by whom, not what."""


class Operations:
    """One for each provider process; a `kind` is a key of KINDS."""

    def __init__(self) -> None:
        self._configuration: Mapping[str, Any] = {}

    def configure(self, raw: Mapping[str, Any]) -> None:
        """Take the stack's configuration; opens no connection."""
        self._configuration = raw

    @cached_property
    def _session(self) -> Session:
        return Session(self._configuration)

    def differs(self, kind: str, olds: Properties, news: Properties) -> bool:
        """Whether anything would have to be done; asks no machine."""
        if any(olds.get(key) != news.get(key) for key in ABOUT):
            return True
        return bool(KINDS[kind].plan(_known(kind, olds), _known(kind, news)))

    def create(self, kind: str, props: Properties) -> None:
        """Converge a machine that this stack has not managed so far."""
        resource.converge(KINDS[kind], self._session.site(props), {}, _known(kind, props))

    def read(self, kind: str, props: Properties) -> Properties | None:
        """The properties as observed; None, with one warning, of a machine that cannot be asked."""
        site = self._session.site(props)
        try:
            found = resource.observe(KINDS[kind], site, _known(kind, props))
        except HostError as error:
            self._session.warn_once(str(props["machine"]), str(props["urn"]), f"not refreshed: {error}")
            return None
        seen = {**{key: value for key, value in props.items() if key != "__provider"}, **found}
        if isinstance(site.host, FollowingHost) and site.host.arrived:
            seen["connection"] = self._session.connection(props).render()
        return seen

    def update(self, kind: str, olds: Properties, news: Properties) -> Properties:
        """Converge from what was managed before; gives what the state shall hold."""
        site = self._session.site(news, former=olds)
        resource.converge(KINDS[kind], site, _known(kind, olds), _known(kind, news))
        if isinstance(site.host, FollowingHost) and not site.host.arrived:
            # the state holds what worked last: a run that fails before the machine moves is gone on with
            return {**news, "connection": olds["connection"]}
        return news

    def delete(self, kind: str, props: Properties) -> None:
        """Give back what was there before; first what later resources began and, failed, left no state of."""
        machine = str(props["machine"])
        if leaving.abandoned(machine):
            abandon(kind, self._session.rack(str(props["urn"])), props)
            return
        site = self._session.site(props, leaving=not KINDS[kind].optional)
        try:
            resource.remove(KINDS[kind], site, _known(kind, props), later=made_after(kind))
            if kind == "Access":
                erase(site.host)
        except SILENT as error:
            raise lost(machine, error) from None

    def preflight(self, urn: str, *, measure: bool) -> str:
        """Look at all machines: the report that ends the run, else empty; warnings go to the log."""
        findings = self._session.rack(urn).preflight(measure=measure)
        if stops(findings):
            return report(findings)
        if findings:
            self._session.log.warning(urn, report(findings))
        return ""

    def await_api(self, props: Properties) -> None:
        """Wait until a first control plane has joined and its API answers."""
        urn = str(props["urn"])
        formation.await_api(self._session.rack(urn), lambda line: self._session.log.progress(urn, line))

    def form(self, props: Properties) -> None:
        """Wait for the formed cluster."""
        formation.form(self._session.rack(str(props["urn"])))

    def dissolve(self, props: Properties) -> None:
        """End the rules for leaving a living cluster."""
        formation.dissolve(self._session.rack(str(props["urn"])))

    def verify(self, props: Properties) -> None:
        """Wait until the cluster is verified, and say what is still missing."""
        urn = str(props["urn"])
        readiness.verify(self._session.rack(urn), props, lambda line: self._session.log.progress(urn, line))


def _known(kind: str, props: Properties) -> Properties:
    return resource.known(KINDS[kind], props)
