"""A stand-in for the journal on a machine without one: stages then log as they do in a boot, not to standard output."""

from __future__ import annotations

import ctypes
import socket
import threading
from pathlib import Path

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 1 << 18  # sched.h and sys/mount.h
SOCKETS = ("/run/systemd/journal/socket", "/run/systemd/journal/dev-log", "/run/log")  # the last is where Go's log/syslog looks, too


def listen_as_journal() -> None:
    """Binds the journal's datagram sockets below an empty /run, in a mount namespace of this process, and drains them. Needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    for result in (libc.unshare(_CLONE_NEWNS), libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)):
        if result:
            raise OSError(ctypes.get_errno(), "a mount namespace could not be made")
    if libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mounting a tmpfs on /run")
    Path("/run/systemd/journal").mkdir(parents=True)
    for path in SOCKETS:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(path)
        threading.Thread(target=_drain, args=(listener,), daemon=True).start()


def _drain(listener: socket.socket) -> None:
    while True:
        listener.recv(1 << 16)
