"""Hands a config to a machine in the way of its platform: a table of platforms, and what each row needs.

    PLATFORMS[name](config, directory) -> Handover -> rehearse.py gives its parts to the machine

Platforms that ask a metadata service of their cloud are not here: there is none beside the machine.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import socketserver
import threading
from collections.abc import Callable, Iterator

from ignition_py.record import KW_ONLY, Record
from ignition_py.rehearsal.drives import make
from ignition_py.rehearsal.hardware import SERVER, Drive
from ignition_py.rehearsal.image import BuildError

Give = Callable[[bytes, str], "Handover"]



class Handover(Record):
    """What the machine gets: the firmware setting, words for the kernel command line, drives, a server behind a port.

    `server` is (port, Unix socket) as in hardware.Network, `body` what it answers.
    """

    _: KW_ONLY
    firmware: bytes | None = None
    kargs: str = ""
    drives: tuple[Drive, ...] = ()
    server: tuple[int, str] | None = None
    body: bytes = b""

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Answers the machine for as long as it runs; nothing to do where there is no server."""
        if self.server is None:
            yield
            return
        with _Server(self.server[1], self.body) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingUnixStreamServer):
    """HTTP on a Unix socket: QEMU hands it the machine's connections, and nothing else can reach it."""

    daemon_threads = True

    def __init__(self, path: str, body: bytes) -> None:
        self.body = body
        super().__init__(path, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.coreos.ignition+json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def address_string(self) -> str:
        return "machine"

    def log_message(self, *_: object) -> None:
        """What the machine asks for is no news."""


def _firmware(config: bytes, _: str) -> Handover:
    return Handover(firmware=config)


def _url(config: bytes, directory: str) -> Handover:
    socket = os.path.join(directory, "http")
    return Handover(kargs=f"ignition.config.url=http://{SERVER}/config.ign", server=(80, socket), body=config)


def _drive(layout: str) -> Give:
    """A config drive of that layout (drives.py)."""

    def give(config: bytes, directory: str) -> Handover:
        return Handover(drives=(Drive(make(layout, "ext4", config, directory), "config"),))

    return give


# Platform -> how it gets its config.
PLATFORMS: dict[str, Give] = {
    "brightbox": _drive("config-2"),
    "cloudstack": _drive("cloudstack"),
    "ibmcloud": _drive("cidata"),
    "kubevirt": _drive("config-2"),
    "metal": _url,
    "nutanix": _drive("config-2"),
    "openstack": _drive("config-2"),
    "powervs": _drive("config-2"),
    "proxmoxve": _drive("cidata"),
    "qemu": _firmware,
}


def hand_over(platform: str, config: bytes, directory: str) -> Handover:
    """Raises BuildError where a rehearsal cannot play the platform."""
    give = PLATFORMS.get(platform)
    if give is None:
        names = ", ".join(PLATFORMS)
        raise BuildError(f"a rehearsal cannot play platform {platform}, which asks a service of its own; it can play {names}")
    return give(config, directory)
