"""Managed things as Pulumi resources: the one module that knows pulumi.dynamic.

The classes here are pickled into the state by reference, and a refresh or a destroy loads them from
there: this module and its class names must never move.

The program loads this module to describe resources, the SDK's provider process to have them made. Only
there the work and all that it needs is loaded: both begin each run, one after the other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown

from config import KEYS
from providers import call_stack, ending, pickler
from providers.engine_log import EngineLog, end_with_engine, engine_address
from providers.threads import widen_thread_pool

if TYPE_CHECKING:
    from providers.operations import Operations

Properties = dict[str, Any]


@cache
def _operations() -> Operations:
    from providers.operations import Operations

    return Operations()


@cache
def _begin() -> None:
    """What the provider's process does once, first of all: an engine that dies meanwhile takes it along."""
    if not os.environ.get("HELICON_TRACEBACK"):
        sys.tracebacklimit = 0  # the SDK prints whole tracebacks; our errors say all in one line
    end_with_engine(engine_address())
    ending.without_search()
    if not widen_thread_pool():
        line = "this version of the Pulumi SDK runs 4 host operations at once, whatever --parallel says"
        EngineLog().warning("", line)


def _configure(request: ConfigureRequest) -> None:
    _begin()
    _operations().configure({key: request.config.get(key) for key in KEYS if request.config.get(key)})


class MachineProvider(ResourceProvider):
    """One resource of one machine; `kind` is a key of KINDS."""

    serialize_as_secret_always = False

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def configure(self, req: ConfigureRequest) -> None:
        """Take the configuration; opens no connection, the SDK holds a global lock here."""
        _configure(req)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare without a connection; the engine names the properties that differ."""
        differs = _holds_unknown(_news) or _operations().differs(self.kind, _olds, _news)
        return DiffResult(changes=None if differs else False)

    def create(self, props: Properties) -> CreateResult:
        """Converge a machine that this stack has not managed so far."""
        _operations().create(self.kind, props)
        return CreateResult(f"{props['machine']}/{self.kind}", props)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Observe; a machine that cannot be asked keeps its state, with one warning."""
        seen = _operations().read(self.kind, props)
        return ReadResult(id_, props) if seen is None else ReadResult(id_, seen, dict(seen))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Converge from what was managed before."""
        return UpdateResult(_operations().update(self.kind, _olds, _news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Give back what was there before."""
        _operations().delete(self.kind, _props)


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_unknown(one) for one in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_unknown(one) for one in value)
    return isinstance(value, Unknown) or value == pulumi.runtime.rpc.UNKNOWN


class ClusterProvider(ResourceProvider):
    """A resource of the whole rack: `ApiServer`, `Formation`, `Readiness` or `Preflight`."""

    serialize_as_secret_always = False

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def configure(self, req: ConfigureRequest) -> None:
        """Take the configuration."""
        _configure(req)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Any change of an input is acted upon."""
        keys = {*_olds, *_news}
        return DiffResult(changes=None if any(_olds.get(key) != _news.get(key) for key in keys) else False)

    def create(self, props: Properties) -> CreateResult:
        """Wait for the cluster, or verify it; for a preflight the check has done all."""
        self._act(props)
        return CreateResult(self.kind, props)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """The state as it is: what these do is an event, not a property of a machine."""
        return ReadResult(id_, props)

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """The same again."""
        self._act(_news)
        return UpdateResult(_news)

    def delete(self, _id: str, _props: Properties) -> None:
        """With the formation, the rules for leaving a living cluster end."""
        if self.kind == "Formation":
            _operations().dissolve(_props)

    def _act(self, props: Properties) -> None:
        work = _operations()
        {"ApiServer": work.await_api, "Formation": work.form, "Readiness": work.verify}[self.kind](props)


class PreflightProvider(ClusterProvider):
    """The look at all machines; its check ends a run that would fail, with `--continue-on-error` as well."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Look, by the connections that all resources use; how was looked is nothing that the state keeps."""
        stopping = (
            _operations().preflight(str(news["urn"]), measure=bool(news["measure"])) if news["look"] else ""
        )
        failures = [CheckFailure("", stopping)] if stopping else []
        return CheckResult({"urn": str(news["urn"])}, failures)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """There is nothing to change."""
        return DiffResult(changes=False)

    def _act(self, props: Properties) -> None:
        """The check has done it."""


class _Helicon(Resource):
    """A dynamic resource that knows its own URN, for progress lines."""

    def __init__(
        self,
        name: str,
        provider: ResourceProvider,
        properties: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        # the parent's URN as a bare value: an output would depend on the component, and so on its other children
        parent: Any = opts.parent.urn.future() if opts.parent else None
        urn = pulumi.create_urn(name, f"pulumi-python:{self._resource_type_name}", parent)
        with call_stack.not_kept(), pickler.restored():
            super().__init__(provider, name, {**properties, "urn": urn}, opts)


class MachineResource(_Helicon):
    """What the resource types of a machine have in common."""

    def __init__(
        self,
        name: str,
        machine: str,
        connection: Mapping[str, Any],
        properties: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        about = {"machine": machine, "connection": connection}
        provider = MachineProvider(type(self).__name__)
        super().__init__(name, provider, {**about, **properties}, opts)


class Access(MachineResource, module="helicon", name="Access"):
    """The first and last resource of a machine: it answers, is the board it should be, and lets us in."""


class Network(MachineResource, module="helicon", name="Network"):
    """The machine's own address, gateway and name servers."""


class System(MachineResource, module="helicon", name="System"):
    """Name, hosts, clock, settings, files and units of a machine, and where its packages come from."""


class Kernel(MachineResource, module="helicon", name="Kernel"):
    """Boot parameters, modules, sysctl and swap of a machine."""


class Storage(MachineResource, module="helicon", name="Storage"):
    """Mounts of a machine, and directories that live elsewhere than on its card."""


class Software(MachineResource, module="helicon", name="Software"):
    """Packages, container runtime, images and kubelet of a node."""


class Balancer(MachineResource, module="helicon", name="Balancer"):
    """HAProxy, and keepalived where a virtual address is shared, on a load balancer or beside an API server."""


class Etcd(MachineResource, module="helicon", name="Etcd"):
    """A machine's place in an external etcd: certificates and the member."""


class Membership(MachineResource, module="helicon", name="Membership"):
    """A node's place in the cluster: PKI, kubeadm, labels and taints."""


class Preflight(_Helicon, module="helicon", name="Preflight"):
    """The look at all machines before anything is done."""

    def __init__(self, name: str, properties: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, PreflightProvider("Preflight"), properties, opts)


class ApiServer(_Helicon, module="helicon", name="ApiServer"):
    """The API of a first control plane, through the endpoint."""

    def __init__(self, name: str, properties: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, ClusterProvider("ApiServer"), properties, opts)


class Formation(_Helicon, module="helicon", name="Formation"):
    """The formed cluster."""

    def __init__(self, name: str, properties: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, ClusterProvider("Formation"), properties, opts)


class Readiness(_Helicon, module="helicon", name="Readiness"):
    """The verified cluster."""

    def __init__(self, name: str, properties: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, ClusterProvider("Readiness"), properties, opts)
