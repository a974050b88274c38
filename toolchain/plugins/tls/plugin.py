"""The provider: private keys and certificates exist in the state only, so nothing here leaves the process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from toolchain.plugins.protocol import Engine, Plugin, decode, encode, revealed, type_of
from toolchain.plugins.tls import certificates, checks, keys, plan
from toolchain.plugins.tls.schema import (
    CERT_REQUEST,
    KINDS,
    PRIVATE_KEY,
    SELF_SIGNED_CERT,
    Kind,
)

NOT_AN_AUTHORITY = (
    "Potentially Invalid Certificate Authority: Certificate provided as Authority does not appear to be a "
    "valid Certificate Authority. The resulting certificate might fail certificate validation."
)


def now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(UTC)


class TlsPlugin(Plugin):
    """Stands in for the official `tls` plugin for its four resource types."""

    name: ClassVar[str] = "tls"
    package: ClassVar[str] = "pulumi-tls"
    tokens: ClassVar[frozenset[str] | None] = frozenset(KINDS)

    def __init__(self, engine: Engine, version: str = "", clock: Callable[[], datetime] = now) -> None:
        """Take a clock where it is not this machine's."""
        super().__init__(engine, version)
        self.clock = clock

    def check_config(self, request: Any) -> Any:
        """Accept the configuration, but not a proxy: nothing that is covered uses the network."""
        if "proxy" in request.news.fields:
            raise self.uncovered("the option `proxy`")
        return provider_pb2.CheckResponse(inputs=request.news)

    def configure(self, request: Any) -> Any:
        """Say what is supported: secrets are marked by the plugin itself."""
        return provider_pb2.ConfigureResponse(
            acceptResources=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def check(self, request: Any) -> Any:
        """Validate the inputs and mark the secret ones."""
        kind, inputs = _kind(request), decode(request.news)
        name = request.name or request.urn.rsplit("::", 1)[-1]
        failures = [
            provider_pb2.CheckFailure(reason=reason) for reason in checks.problems(kind, name, inputs)
        ]
        return provider_pb2.CheckResponse(inputs=encode(plan.checked(kind, inputs)), failures=failures)

    def diff(self, request: Any) -> Any:
        """Compare the state with the inputs; a certificate that is due is replaced."""
        inputs, state = revealed(decode(request.news)), revealed(decode(request.olds))
        diffs, replaces = plan.changed(_kind(request), inputs, state, self.clock())
        diffs = [name for name in diffs if name not in request.ignoreChanges]
        replaces = [name for name in replaces if name in diffs]
        changes = provider_pb2.DiffResponse.DIFF_SOME if diffs else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=diffs, replaces=replaces)

    def create(self, request: Any) -> Any:
        """Make a key, a request or a certificate."""
        kind, inputs = _kind(request), revealed(decode(request.properties))
        if request.preview:
            expected = plan.outputs(kind, plan.preview(kind, inputs), settled=False)
            return provider_pb2.CreateResponse(properties=encode(expected))
        values = plan.planned(kind, inputs)
        values.update(self._make(kind, values, request.urn))
        return provider_pb2.CreateResponse(id=values["id"], properties=encode(plan.outputs(kind, values)))

    def _make(self, kind: Kind, values: dict[str, Any], urn: str) -> dict[str, Any]:
        if kind is PRIVATE_KEY:
            key = keys.generate(values["algorithm"], values["rsaBits"], values["ecdsaCurve"])
            return keys.shown(key)
        if kind is CERT_REQUEST:
            return certificates.request(values)
        if kind is SELF_SIGNED_CERT:
            return certificates.self_signed(values, self.clock())
        made = certificates.locally_signed(values, self.clock())
        if not certificates.is_authority(values["caCertPem"]):
            self.engine.log("WARNING", NOT_AN_AUTHORITY, urn)
        return made

    def read(self, request: Any) -> Any:
        """Return the state, with certificates marked whose renewal is due."""
        kind, state = _kind(request), revealed(decode(request.properties))
        if not state:
            raise self.uncovered(f"the import of {kind.token}")
        if kind.expires and plan.is_due(state, self.clock()):
            state["readyForRenewal"] = True
        inputs = encode(plan.checked(kind, revealed(decode(request.inputs))))
        properties = encode(plan.outputs(kind, state))
        return provider_pb2.ReadResponse(id=request.id, inputs=inputs, properties=properties)

    def update(self, request: Any) -> Any:
        """Change what can change in place: when to renew."""
        kind, state = _kind(request), revealed(decode(request.olds))
        values = plan.updated(kind, revealed(decode(request.news)), state)
        shown = plan.outputs(kind, values, settled=not request.preview)
        return provider_pb2.UpdateResponse(properties=encode(shown))

    def delete(self, request: Any) -> Any:
        """Nothing to do: what was made is in the state only."""
        return empty_pb2.Empty()


def _kind(request: Any) -> Kind:
    return KINDS[type_of(request.urn)]
