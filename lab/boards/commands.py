"""What SSH sessions execute on a board: every program, on record by snoopy (`image/snoopy.ini`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lab.boards.plan import Board
from lab.boards.power import root

RECORD = "/run/helicon-lab/commands"
_LINE = re.compile(r"^@@ (\d+\.\d+) (\S+) (\S+) ", re.MULTILINE)
_QUERY = r"(?:-\S+ )*"

_ALWAYS = (
    "awk", "mawk", "base64", "basename", "cat", "cmp", "cut", "date", "df", "diff", "dirname", "du",
    "echo", "egrep", "expr", "false", "findmnt", "free", "getconf", "getent", "grep", "head", "id",
    "locale", "ls", "lsblk", "lsmod", "md5sum", "modinfo", "nproc", "pgrep", "printenv", "printf", "ps",
    "pwd", "readlink", "realpath", "seq", "sha256sum", "sleep", "sort", "ss", "stat", "tail", "test",
    "[", "tr", "true", "uname", "uniq", "wc", "whoami",
)  # fmt: skip
_RUNNERS = ("bash", "sh", "dash", "sudo", "env", "timeout", "xargs", "nice", "setpriv")
"""What they run is on record itself; what a shell writes, a snapshot of the files shows."""
_DAEMONS = ("kubelet", "keepalived", "runc")
_VERSION = r"--version|-version|-v|-vv"
READERS = {
    **dict.fromkeys((*_ALWAYS, *_RUNNERS), r".*"),
    **dict.fromkeys(_DAEMONS, _VERSION),
    "containerd": rf"{_VERSION}|(--config \S+ )?config (dump|default)",
    "haproxy": rf"{_VERSION}|-c .*",
    # what a question of a batch says on standard error, in memory
    "rm": r"-f /run/helicon\.\d+",
    # the input of a command in the shell that many share
    "dd": r"bs=\d+ count=1 iflag=fullblock",
    "apt-get": r".*--simulate\b.*",
    "iptables-save": r".*",
    "ip6tables-save": r".*",
    "apt-cache": r".*",
    "apt-config": r".*",
    "apt-mark": r"show.*",
    "crictl": rf"{_QUERY}(images|ps|info|version|inspect\S*).*",
    "ctr": r"((-n|--namespace) \S+ |-\S+ )*(version|info|(images|image|i|content|containers|tasks)"
    r"( (ls|list|check|get|info)( .*)?)?)",
    "dpkg": r"(--print-\S+|-[slLSV]|--status|--list|--listfiles|--search|--verify|--compare-versions)( .*)?",
    "dpkg-query": r".*",
    "find": r"(?!.* -(delete|exec|execdir|ok|fprint\S*)\b).*",
    "hostname": r"|-\w",
    "hostnamectl": rf"{_QUERY}|{_QUERY}(status|hostname|show).*",
    "ip": r"(-\S+ )*\S+( (show|list|get)\b.*)?",
    "journalctl": r"(?!.*--(rotate|vacuum|flush|sync)).*",
    "kubeadm": r"version.*|certs check-expiration.*|config (print|view|images list).*",
    "kubectl": r"(-\S+ \S+ |--\S+ )*(get|version|describe|auth can-i|api-resources)\b.*",
    "mount": r"|-l|-t \S+",
    "networkctl": r"(--\S+ )*(list|status)\b.*",
    "nmcli": r"(-t |-f \S+ )*(device|connection show.*)",
    "openssl": r"(x509|verify|version|pkey -pubout|pkey .*-pubout).*",
    "sshd": r"-T|-t( .*)?",
    "sed": r"(?!.*(^| )(-\w*i|--in-place)).*",
    "swapon": r"--show.*|-s",
    "sysctl": r"(?!.*(^| )(-w|-p|-f|--write|--load|--system)\b)[^=]*",
    "systemctl": rf"{_QUERY}(show|cat|status|is-\S+|list-\S+|get-default)( .*)?",
    "systemd-detect-virt": r".*",
    "timedatectl": rf"{_QUERY}|{_QUERY}(show|status|timesync-status|show-timesync).*",
}
"""Program to a pattern of the arguments with which it only reads."""
LOGIN = (
    r"\S*/sshd -D -R",  # until OpenSSH 9.8
    r"\S*/(sshd-session|sshd-auth|unix_chkpwd|sftp-server|systemd-xdg-autostart-generator) .*",
    r"\S*/env -i PATH=\S+ run-parts --lsbsysinit /etc/update-motd\.d",
    r"/etc/update-motd\.d/.*",
)
"""What every login executes, whatever it is for."""


@dataclass(frozen=True, kw_only=True)
class Executed:
    """One program that an SSH session executed: seconds since the epoch, user, command line."""

    at: float
    user: str
    line: str

    @property
    def program(self) -> str:
        """The program's name without its directory."""
        return self.line.partition(" ")[0].rpartition("/")[2]

    @property
    def arguments(self) -> str:
        """What follows the program, joined by blanks."""
        return self.line.partition(" ")[2]


def mark(board: Board) -> int:
    """A place in the record: its length in bytes."""
    return int(root(board, "stat", "-c", "%s", RECORD))


def executed(board: Board, since: int = 0) -> list[Executed]:
    """What SSH sessions executed since a mark (of the same boot), without what logging in takes."""
    return parse(root(board, "tail", "-c", f"+{since + 1}", RECORD))


def parse(text: str) -> list[Executed]:
    """The entries of sshd's process tree; a command line may have several lines."""
    starts = list(_LINE.finditer(text))
    ends = [*(match.start() for match in starts), len(text)][1:]
    entries = [
        Executed(at=float(match[1]), user=match[3], line=text[match.end() : end].rstrip("\n"))
        for match, end in zip(starts, ends, strict=True)
        if match[2].startswith("sshd")
    ]
    return [entry for entry in entries if not any(re.fullmatch(login, entry.line) for login in LOGIN)]


def writers(entries: Iterable[Executed]) -> list[Executed]:
    """Those entries that are not known to only read."""
    return [entry for entry in entries if not _reads(entry)]


def _reads(entry: Executed) -> bool:
    pattern = READERS.get(entry.program)
    return pattern is not None and re.fullmatch(pattern, entry.arguments, re.DOTALL) is not None
