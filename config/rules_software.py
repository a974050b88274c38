"""What must hold between a node's software and where it comes from."""

from __future__ import annotations

from config.draft import Draft
from config.problems import show


def sources(draft: Draft) -> None:
    """A bundle holds containerd and Kubernetes' own binaries, not Docker or a distribution's packages."""
    if "artifacts" not in draft.raw:
        return
    for name, node in draft.nodes.items():
        for key, only in (("runtime", "containerd"), ("kubernetes_source", "upstream")):
            if getattr(node, key) != only:
                draft.report(
                    draft.origin(("nodes", name), key),
                    expected=f'"{only}" with a bundle of artifacts',
                    found=show(getattr(node, key)),
                    suggestion="Remove it, or remove artifacts and install from the internet.",
                )


def forms(draft: Draft) -> None:
    """A repository has a form for apt, for rpm, or both."""
    for path, machine in draft.machines():
        for name, one in machine.software.repositories.items():
            if one.apt is None and one.rpm is None:
                draft.report(
                    draft.origin(path, "software", "repositories", name),
                    expected="apt, rpm or both",
                    found="neither",
                    suggestion="Write for example apt: {uri: https://..., suite: trixie, components: main}.",
                )
