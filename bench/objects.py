"""What this program puts on a cluster, as plain objects for kubectl: flannel and metrics-server, of a rack."""

from __future__ import annotations

import json
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks

from components.addons import Addons
from components.network import Network
from config import Rack
from providers.core.options import whole

_KUBERNETES = "kubernetes:"


class _Recorder(mocks.Mocks):
    """Keeps what is registered, in order."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """An object of Kubernetes brings its own apiVersion and kind; components are passed over."""
        if args.typ.startswith(_KUBERNETES):
            # the engine's numbers are floats; Kubernetes wants integers
            self.objects.append(cast(dict[str, Any], whole(args.inputs)))
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing is called."""
        raise AssertionError(args.token)


def objects(rack: Rack) -> list[dict[str, Any]]:
    """The objects, namespaces first, as the components register them."""
    recorder = _Recorder()
    mocks.set_mocks(recorder, project="helicon", stack="bench", preview=False)

    def program() -> None:
        Network("network", rack)
        Addons("addons", rack)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return sorted(recorder.objects, key=lambda one: (one["kind"] != "Namespace", one["kind"]))


def manifest(rack: Rack) -> str:
    """All of them as one list, which `kubectl apply` reads."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects(rack)}, indent=1)
