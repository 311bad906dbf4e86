"""Started by QEMU for each connection of the guest: joins its standard input and output to a Unix socket."""

from __future__ import annotations

import os
import selectors
import socket
import sys


def relay(address: str) -> None:
    """Copies both ways until either side is done."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer, selectors.DefaultSelector() as ready:
        peer.connect(address)
        ready.register(0, selectors.EVENT_READ)
        ready.register(peer, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                data = os.read(key.fd, 65536)
                if not data:
                    return
                _write_all(1 if key.fileobj is peer else peer.fileno(), data)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


if __name__ == "__main__":
    relay(sys.argv[1])
