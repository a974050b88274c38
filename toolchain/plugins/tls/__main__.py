"""`python -m toolchain.plugins.tls ENGINE`: what the engine starts."""

from __future__ import annotations

from toolchain.plugins.protocol import serve
from toolchain.plugins.tls.plugin import TlsPlugin

if __name__ == "__main__":
    serve(TlsPlugin)
