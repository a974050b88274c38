"""The image archives of the bundle, from its own commands and from Debian packages."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lab.bundle import archive
from lab.bundle.archive import Entry, Layer
from lab.bundle.debian import Apt
from lab.bundle.progress import tell
from lab.bundle.recipe import NETWORK_PACKAGES, Architecture, Image
from lab.errors import LabError

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT = ("usr/bin/", "usr/sbin/", "usr/lib/", "usr/lib64/", "etc/protocols", "etc/services")
"""What an image takes of a Debian package; documentation and what only an installed system uses stays out."""
DROPPED = ("usr/lib/systemd/", "usr/lib/modprobe.d/", "usr/lib/modules-load.d/")
MERGED = ("bin", "sbin", "lib", "lib64")
"""Directories that are links into /usr since Debian 12."""
ALTERNATIVES = {
    f"usr/sbin/{family}{part}": "xtables-nft-multi"
    for family in ("iptables", "ip6tables")
    for part in ("", "-save", "-restore")
}
"""What the installation of iptables would choose: nf_tables, as on the boards themselves."""
EXTRACT_LIMIT = 120
"""Seconds that unpacking one package may take."""


def build(
    images: Iterable[Image],
    target: Path,
    architecture: Architecture,
    *,
    binaries: Path,
    bases: Mapping[str, Path],
) -> None:
    """Write the archive of each image; `bases` gives the directory with the packages for each base."""
    bottom = {name: _base(name, packages, target) for name, packages in bases.items()}
    for image in images:
        below = [bottom[image.base]] if image.base else []
        layers = [*below, _own(image, binaries, target)]
        file = target / Path(image.archive).name
        archive.image(file, ref=image.ref, architecture=architecture, layers=layers, config=_config(image))
        tell(f"packed {image.ref}, {file.stat().st_size / 1e6:.0f} MB")
    for scratch in target.glob("*.zst"):
        scratch.unlink()


def _config(image: Image) -> dict[str, object]:
    config: dict[str, object] = {"Env": [PATH]}
    config |= {"Entrypoint": [image.entrypoint]} if image.entrypoint else {"Cmd": ["sh"]}
    return config | ({"User": image.user} if image.user else {})


def packages(apt: Apt, target: Path) -> None:
    """Fetch what the base layers are made from: a directory of packages for each base."""
    for name, wanted in (("network", NETWORK_PACKAGES), ("busybox", ("busybox-static",))):
        (target / name).mkdir()
        apt.download(apt.closure(wanted), target / name)


def _base(name: str, debs: Path, scratch: Path) -> Layer:
    entries = list(_network(debs) if name == "network" else _busybox(debs))
    return archive.layer(entries, scratch / f"base-{name}.zst")


def _own(image: Image, binaries: Path, scratch: Path) -> Layer:
    """The layer with the commands of one image, and with a /tmp."""
    entries = [Entry(path=path, content=_command(binaries, name)) for path, name in image.files.items()]
    target = scratch / f"own-{Path(image.archive).stem}.zst"
    return archive.layer([*entries, Entry(path="tmp", mode=0o1777)], target)


def _command(binaries: Path, name: str) -> Path:
    path = binaries / name
    if not path.is_file():
        raise LabError(
            item=f"image with {name}",
            expected=f"the command {path}",
            found="no file",
            next_step=f"rm -r {binaries} && python -m lab.bundle.build",
        )
    return path


def _network(debs: Path) -> Iterator[Entry]:
    """iptables, nft and their libraries, with the links that their installation would make."""
    found = {entry.path: entry for deb in sorted(debs.glob("*.deb")) for entry in unpacked(deb)}
    yield from found.values()
    for path, link in ALTERNATIVES.items():
        yield Entry(path=path, link=link)
    for name in MERGED:
        if any(path.startswith(f"usr/{name}/") for path in found):
            yield Entry(path=name, link=f"usr/{name}")
    yield Entry(path="run")  # of the lock that the legacy commands take
    names = applets(_content(found["usr/bin/busybox"]))
    for name in names:
        if not {f"usr/bin/{name}", f"usr/sbin/{name}"} & {*found, *ALTERNATIVES}:
            yield Entry(path=f"usr/bin/{name}", link="busybox")


def _busybox(debs: Path) -> Iterator[Entry]:
    """busybox alone: linked statically, it needs no library, also none to resolve names."""
    content = next(
        _content(entry)
        for deb in debs.glob("busybox-static_*.deb")
        for entry in unpacked(deb)
        if entry.path == "usr/bin/busybox"
    )
    yield Entry(path="bin/busybox", content=content)
    yield from (Entry(path=f"bin/{name}", link="busybox") for name in applets(content) if name != "busybox")


def applets(busybox: bytes) -> list[str]:
    """The commands that a busybox of any architecture holds: its table of names begins with "[" and "[["."""
    start = busybox.index(b"[\0[[\0")
    return busybox[start : busybox.index(b"\0\0", start)].decode().split("\0")


def unpacked(deb: Path) -> Iterator[Entry]:
    """The files and links of a package that images keep; nothing is run, so any architecture will do."""
    argv = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    done = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert done.stdout is not None  # for the type checker: a pipe was asked for
    with done.stdout, tarfile.open(fileobj=done.stdout, mode="r|") as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            if not path.startswith(KEPT) or path.startswith(DROPPED) or "/gconv/" in path:
                continue
            if member.issym():
                yield Entry(path=path, link=member.linkname)
            elif file := tar.extractfile(member) if member.isfile() else None:
                yield Entry(path=path, mode=member.mode & 0o755, content=file.read())
    if done.wait(timeout=EXTRACT_LIMIT):
        raise LabError(item=str(deb), expected="a Debian package", found="damage", next_step=f"rm {deb}")


def _content(entry: Entry) -> bytes:
    assert isinstance(entry.content, bytes)  # entries from packages hold their content
    return entry.content
