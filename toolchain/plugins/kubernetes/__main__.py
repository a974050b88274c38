"""Run the plugin: `python -m toolchain.plugins.kubernetes ENGINE_ADDRESS`, as the engine does."""

from __future__ import annotations

from toolchain.plugins.kubernetes.provider import Kubernetes
from toolchain.plugins.protocol import serve

if __name__ == "__main__":
    serve(Kubernetes)
