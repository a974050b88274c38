"""The look at all machines before anything else is done."""

from __future__ import annotations

import os

import pulumi

from config import Rack
from providers.adapter import Preflight
from providers.preflight.finding import SWITCH

_OFF = ("0", "false", "no", "off")


def preflight(rack: Rack) -> None:
    """Have every machine looked at once, reading only; errors, all at once, end the run before it begins.

    Every resource that is described from here on waits for that. In an `up`, the disks of control planes
    that are not prepared yet are measured with a file that is removed again; a preview writes nothing at
    all.
    """
    if not rack.preflight.enabled:
        return
    wanted = {
        "look": os.environ.get(SWITCH, "").lower() not in _OFF,
        "measure": not pulumi.runtime.is_dry_run(),
    }
    looked = Preflight("preflight", wanted, pulumi.ResourceOptions())
    first = pulumi.ResourceOptions(depends_on=[looked])

    def after(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, first))

    pulumi.runtime.register_stack_transformation(after)
