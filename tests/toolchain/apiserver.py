"""A loopback Kubernetes API server for tests: etcd, kube-apiserver and the controllers, from the artifact
bundle.

There are no nodes, so pods stay pending; tests set the status of workloads themselves where that matters.
"""

from __future__ import annotations

import base64
import platform
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.bundle.build import HOST
from lab.places import cache

TOKEN = "loopback-token"
PATIENCE = 60.0  # seconds until the API server must answer


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running API server: its kubeconfig as text and as a file, and the binaries beside it."""

    kubeconfig: str
    path: Path
    binaries: Path

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl against the server and return what it prints."""
        command = [str(self.binaries / "kubectl"), "--kubeconfig", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def binaries() -> Path:
    """Return where the bundle's commands for this machine were built; fails the test where nothing is."""
    place = cache() / "bundle" / "build" / HOST[platform.machine()] / "bin"
    if not (place / "kube-apiserver").exists():
        raise AssertionError(f"no kube-apiserver in {place}: build the bundle first (make lab)")
    return place


@contextmanager
def running(work: Path) -> Iterator[Server]:
    """Run a server with its data in `work`; it ends with the block."""
    place = binaries()
    etcd_port, peer_port, port = (_free_port() for _ in range(3))
    (work / "service-account.key").write_bytes(_private_key())
    (work / "tokens.csv").write_text(f"{TOKEN},tester,1,system:masters\n")
    server = Server(kubeconfig="", path=work / "kubeconfig.yaml", binaries=place)
    commands = [
        _etcd(place, work, etcd_port, peer_port),
        _apiserver(place, work, etcd_port, port),
        _controllers(place, server.path),
    ]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands[:2]:
            processes.append(_start(command, work))
        _wait(work, port)
        text = _kubeconfig(work, port)
        server.path.write_text(text)
        processes.append(_start(commands[2], work))
        yield Server(kubeconfig=text, path=server.path, binaries=place)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _etcd(place: Path, work: Path, port: int, peer: int) -> list[str]:
    url, peer_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    return [
        str(place / "etcd"), f"--data-dir={work / 'etcd'}", f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}", f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}", f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
    ]  # fmt: skip


def _apiserver(place: Path, work: Path, etcd: int, port: int) -> list[str]:
    key = work / "service-account.key"
    return [
        str(place / "kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{etcd}", "--bind-address=127.0.0.1",
        f"--secure-port={port}", f"--cert-dir={work / 'certificates'}",
        f"--token-auth-file={work / 'tokens.csv'}",
        "--authorization-mode=RBAC", f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}", "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount",
    ]  # fmt: skip


def _controllers(place: Path, kubeconfig: Path) -> list[str]:
    names = [
        "namespace",
        "garbagecollector",
        "deployment",
        "replicaset",
        "endpoint",
        "daemonset",
        "statefulset",
    ]
    return [
        str(place / "kube-controller-manager"), f"--kubeconfig={kubeconfig}", "--leader-elect=false",
        f"--controllers={','.join(names)}", "--secure-port=0",
    ]  # fmt: skip


def _start(command: list[str], work: Path) -> subprocess.Popen[bytes]:
    log = (work / f"{Path(command[0]).name}.log").open("wb")
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=work)


def _wait(work: Path, port: int) -> None:
    """Return once the server says that it is ready."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError):
            context = ssl.create_default_context(cafile=str(work / "certificates" / "apiserver.crt"))
            request = urllib.request.Request(f"https://127.0.0.1:{port}/readyz")
            request.add_header("Authorization", f"Bearer {TOKEN}")
            if urllib.request.urlopen(request, timeout=5, context=context).status == 200:
                return
        time.sleep(0.2)
    tail = (work / "kube-apiserver.log").read_text()[-2000:]
    raise AssertionError(f"kube-apiserver was not ready after {PATIENCE:.0f} s:\n{tail}")


def _kubeconfig(work: Path, port: int) -> str:
    authority = base64.b64encode((work / "certificates" / "apiserver.crt").read_bytes()).decode()
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "loopback",
                    "cluster": {
                        "server": f"https://127.0.0.1:{port}",
                        "certificate-authority-data": authority,
                    },
                }
            ],
            "users": [{"name": "tester", "user": {"token": TOKEN}}],
            "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": "tester"}}],
            "current-context": "loopback",
        }
    )


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
