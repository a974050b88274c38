"""The plugin: Pulumi's calls, answered."""

from __future__ import annotations

from typing import Any, ClassVar

from pulumi.runtime.proto import provider_pb2 as proto

from toolchain.plugins.kubernetes import check, configuration, deleting, diff, reading, tokens, writing
from toolchain.plugins.kubernetes.cluster import Unreachable
from toolchain.plugins.kubernetes.objects import REPLACE_UNREADY, annotation, is_crd, plain
from toolchain.plugins.kubernetes.resource import Resource
from toolchain.plugins.kubernetes.session import Session
from toolchain.plugins.protocol import Failure, Plugin, decode, encode, type_of

_NOT_COVERED = ("renderYamlToDirectory", "alwaysRender", "strictMode")
_UNREACHABLE = "configured Kubernetes cluster is unreachable"
_NOT_READ = "failed to read resource state due to unreachable cluster"
_WHAT_TO_DO = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the "
    "operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
_KEPT = (
    "configured Kubernetes cluster is unreachable and the `skipUnreachable` option is enabled. Returned "
    "data could not reflect the actual cluster configuration."
)
_DROPPED = (
    "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. "
    "Deleting the unreachable resource from Pulumi state"
)
_SKIPPED = "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping..."
_LISTS = (
    "list resources exist for compatibility with YAML manifests and Helm charts, and cannot be created "
    "directly. Use the underlying resource type instead"
)


class Kubernetes(Plugin):
    """The provider `kubernetes`: any resource that stands for a single Kubernetes object."""

    name: ClassVar[str] = "kubernetes"
    package: ClassVar[str] = "pulumi_kubernetes"
    _session: Session

    def covers(self, token: str) -> bool:
        """Whether the token stands for one object; charts, manifests and kustomizations do not."""
        return tokens.covered(token)

    def check_config(self, request: Any) -> Any:
        """Accept the configuration, but for options that only the official plugin serves."""
        news = plain(decode(request.news))
        wanted = [key for key in _NOT_COVERED if news.get(key) not in (None, "", "false", False)]
        if news.get("enableServerSideApply") in ("false", False):
            wanted.append("enableServerSideApply")
        failures = [
            proto.CheckFailure(property=key, reason=self.uncovered(f"{key}={news[key]}").message)
            for key in wanted
        ]
        return proto.CheckResponse(inputs=request.news, failures=failures)

    def diff_config(self, request: Any) -> Any:
        """Say which settings differ and whether the provider, and so all below it, must be replaced."""
        try:
            found = configuration.change(decode(request.olds), decode(request.news))
        except configuration.BadKubeconfig as error:
            raise Failure(str(error)) from error
        changes = proto.DiffResponse.DIFF_SOME if found.diffs else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=changes, diffs=found.diffs, replaces=found.replaces)

    def configure(self, request: Any) -> Any:
        """Keep the settings and look once whether the cluster answers."""
        self._session = Session(configuration.options(request.variables))
        return proto.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def check(self, request: Any) -> Any:
        """Bring the inputs into canonical form and name what has no name."""
        token, session = tokens.parse(type_of(request.urn)), self._session
        if tokens.is_list(token.api_version, token.kind):
            raise Failure(_LISTS)
        if session.unreachable and session.options.skip_update_unreachable and request.olds.fields:
            self.engine.log("WARNING", _SKIPPED, request.urn)
            return proto.CheckResponse(inputs=request.olds)
        news, olds = decode(request.news), decode(request.olds)
        namespace = session.namespace if session.namespaced(token.api_version, token.kind) else ""
        autoname = check.autonamer(request, request.urn.rpartition("::")[2])
        patch = token.patches(str(news.get("kind")))
        try:
            inputs = check.checked(news, olds, autoname=autoname, patch=patch, namespace=namespace)
        except check.BadInputs as error:
            raise Failure(str(error)) from error
        if is_crd(inputs):
            session.learn(plain(inputs))
        return proto.CheckResponse(inputs=encode(inputs))

    def diff(self, request: Any) -> Any:
        """Compare; no server is asked but for the scope of a custom kind."""
        resource = self._resource(request)
        news = decode(request.news)
        inputs = plain(news)
        options = self._session.options
        patch = resource.token.patches(str(inputs.get("kind")))
        fields = diff.unchangeable_fields(
            inputs, patch=patch, secrets=options.secrets_mutable, config_maps=options.config_maps_mutable
        )
        namespaced = self._session.namespaced(str(inputs.get("apiVersion")), str(inputs.get("kind")))
        found = diff.difference(
            decode(request.olds),
            news,
            namespaced=namespaced,
            unchangeable=fields,
            ignored=list(request.ignoreChanges),
        )
        if annotation(inputs, REPLACE_UNREADY) == "true":
            self.engine.log("WARNING", "the replaceUnready annotation needs the official plugin", request.urn)
        changes = proto.DiffResponse.DIFF_SOME if found.paths else proto.DiffResponse.DIFF_NONE
        kinds = {path: _property_diff(kind) for path, kind in found.paths.items()}
        return proto.DiffResponse(
            changes=changes,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff=kinds,
            hasDetailedDiff=True,
        )

    def create(self, request: Any) -> Any:
        """Create the object and wait until it is ready; in a preview a dry run."""
        if not request.preview:
            self._need_cluster()
        return writing.create(self._resource(request), request)

    def update(self, request: Any) -> Any:
        """Apply the object and wait until it is ready; in a preview a dry run."""
        if not request.preview:
            self._need_cluster()
        return writing.update(self._resource(request), request)

    def read(self, request: Any) -> Any:
        """Return the live object; an unreachable cluster says nothing about it."""
        options = self._session.options
        try:
            return reading.read_resource(self._resource(request), request)
        except Unreachable as error:
            self.engine.log("WARNING", f"{_UNREACHABLE}: {error}", request.urn)
            if options.delete_unreachable and self._session.unreachable:
                self.engine.log("INFO", _DROPPED, request.urn)
                return proto.ReadResponse()
            if options.skip_update_unreachable:
                self.engine.log("INFO", _KEPT, request.urn)
                return proto.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
            raise Failure(f"{_NOT_READ}. {_WHAT_TO_DO}") from error

    def delete(self, request: Any) -> Any:
        """Delete the object and wait until it is gone."""
        resource = self._resource(request)
        try:
            self._session.writable()
        except Unreachable as error:
            self.engine.log("WARNING", f"{_UNREACHABLE}: {error}", request.urn)
            if not self._session.options.delete_unreachable:
                raise Failure(f"{_UNREACHABLE}. {_WHAT_TO_DO}") from error
            self.engine.log("INFO", _DROPPED, request.urn)
            return deleting.nothing()
        return deleting.delete(resource, request)

    def _need_cluster(self) -> None:
        try:
            self._session.writable()
        except Unreachable as error:
            raise Failure(f"{_UNREACHABLE}: {error}") from error

    def _resource(self, request: Any) -> Resource:
        return Resource(
            urn=request.urn,
            token=tokens.parse(type_of(request.urn)),
            session=self._session,
            engine=self.engine,
            cancelled=self.cancelled,
        )


def _property_diff(kind: str) -> Any:
    inputs_only = kind.startswith("DELETE")  # the official plugin marks nothing else
    return proto.PropertyDiff(kind=proto.PropertyDiff.Kind.Value(kind), inputDiff=inputs_only)
