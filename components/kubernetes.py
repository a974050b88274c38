"""The way to the cluster's API for what runs on it."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from components.authority import Authority
from components.cluster import Cluster
from config import Rack


def cluster_provider(rack: Rack, authority: Authority, cluster: Cluster) -> pulumi.ResourceOptions:
    """Options for all that lives on the cluster: its provider, as soon as the API answers, gone with it.

    The components themselves wait for nothing: where their dependency has failed, the engine skips
    them, and then refuses their outputs with an error of its own.

    The identifier is set from the start: without it, a kubeconfig that becomes unknown would plan
    the replacement of everything. An API that does not answer leaves the state as it is.
    """
    provider = k8s.Provider(
        "kubernetes",
        kubeconfig=authority.kubeconfig,
        cluster_identifier=f"helicon-{rack.cluster.name}",
        skip_update_unreachable=True,
        # an object that a killed run made before its state was written is taken over
        upsert_existing_objects=True,
        enable_patch_force=True,
        opts=pulumi.ResourceOptions(depends_on=[cluster.api_server]),
    )

    def gone_with_cluster(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("kubernetes:"):
            return None
        # options of a component that the SDK does not hand on to the component's children
        api_server = cluster.api_server
        with_cluster = pulumi.ResourceOptions(deleted_with=api_server, depends_on=[api_server])
        opts = pulumi.ResourceOptions.merge(args.opts, with_cluster)
        return pulumi.ResourceTransformationResult(args.props, opts)

    return pulumi.ResourceOptions(providers={"kubernetes": provider}, transformations=[gone_with_cluster])
