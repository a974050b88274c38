"""A small S3-compatible store: it checks each signature as AWS Signature Version 4 defines it, and keeps objects."""

from __future__ import annotations

import hashlib
import hmac
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLE", 'se"cr\\et/key'
PORT = 9000


class Store(BaseHTTPRequestHandler):
    """Takes PUT below the directory that the server was started with."""

    directory: Path
    protocol_version = "HTTP/1.1"
    """As S3: with 1.0 curl would wait a second for each 100 Continue."""

    def do_PUT(self) -> None:
        """Keep an object whose signature and content are what they say."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = self.headers["x-amz-content-sha256"]
        if said != hashlib.sha256(body).hexdigest() or not self._signed():
            self.send_error(403)
            return
        target = self.directory / self.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _signed(self) -> bool:
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        access, day, region, service, kind = parts["Credential"].split("/")
        names = parts["SignedHeaders"]
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names.split(";"))
        request = "\n".join(
            [self.command, self.path, "", headers, names, self.headers["x-amz-content-sha256"]]
        )
        digest = hashlib.sha256(request.encode()).hexdigest()
        scope = f"{day}/{region}/{service}/{kind}"
        text = "\n".join([scheme, self.headers["x-amz-date"], scope, digest])
        key = f"AWS4{SECRET_KEY}".encode()
        for word in (day, region, service, kind):
            key = hmac.digest(key, word.encode(), "sha256")
        right = hmac.new(key, text.encode(), "sha256").hexdigest()
        return (access, service, parts["Signature"]) == (ACCESS_KEY, "s3", right)


if __name__ == "__main__":
    Store.directory = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Store)
    print("ready", flush=True)
    server.serve_forever()
