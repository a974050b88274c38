"""What systemd has still to read of its units: once for several things, as nothing costs a board more."""

from __future__ import annotations

from providers.core.host import Host


class Systemd:
    """A machine's systemd, while one resource is at work."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.unread = 0
        """How often units were enabled, disabled or written since it read them."""

    def changed(self) -> None:
        """There is something to read; it is read before the resource is done.

        A run that is killed in between leaves it to the next reload, or to the machine's next start.
        """
        self.unread += 1

    def reload(self) -> None:
        """Have it read them, where there is anything to read."""
        if self.unread:
            self._host.run(["systemctl", "daemon-reload"])
            self.unread = 0
