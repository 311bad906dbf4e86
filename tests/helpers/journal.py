"""A journal for stages in a process of their own: real datagram sockets where a boot has the journal's, in a mount namespace."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

# Below an empty /run, so that whatever listens on this machine is not written to.
_ENTER = 'mount -t tmpfs none /run && mkdir /run/systemd && ln -s "$0" /run/systemd/journal && exec "$@"'


class Journal:
    """`with Journal(folder) as journal: subprocess.run(journal.within(argv))`; `messages` are the syslog records, `entries` the
    native ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.messages: list[str] = []
        self.entries: list[bytes] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        for name, keep in (("dev-log", lambda data: self.messages.append(data.decode())), ("socket", self.entries.append)):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            (self._folder / name).unlink(missing_ok=True)
            sock.bind(str(self._folder / name))
            thread = threading.Thread(target=self._drain, args=(sock, keep), daemon=True)
            thread.start()
            self._sockets.append(sock)
            self._threads.append(thread)
        return self

    @staticmethod
    def _drain(sock: socket.socket, keep: object) -> None:
        assert callable(keep)
        while data := sock.recv(1 << 20):
            keep(data)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Returns when everything that was sent has been read: an empty datagram is the last one."""
        for sock, thread in zip(self._sockets, self._threads, strict=True):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"", sock.getsockname())
            thread.join()
            sock.close()

    def within(self, argv: list[str]) -> list[str]:
        """A command line that runs `argv` where this is the journal."""
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        return ["unshare", *user, "--mount", "sh", "-c", _ENTER, str(self._folder.resolve()), *argv]
