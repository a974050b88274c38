"""`python -m toolchain.plugins.command ENGINE`: what the engine starts."""

from __future__ import annotations

from toolchain.plugins.command.plugin import CommandPlugin
from toolchain.plugins.protocol import serve

if __name__ == "__main__":
    serve(CommandPlugin)
