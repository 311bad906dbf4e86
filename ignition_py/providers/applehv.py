"""Platform `applehv`: the config comes over http from the host, through a virtual socket (vsock) at port 1024.

Sources: vsock(7); https://github.com/crc-org/vfkit (its option for Ignition). No network is needed.
"""

from __future__ import annotations

import os
import time
from http.client import HTTPConnection, HTTPException
from socket import AF_VSOCK, SOCK_STREAM, socket

from ignition_py.providers import Machine
from ignition_py.report.diag import FetchError
from ignition_py.system.run import run

DRIVER = "/sys/devices/virtual/misc/vsock"
HOST, PORT = 2, 1024  # VMADDR_CID_HOST; the port is a convention
SILENCE = 60.0  # seconds without a byte
WAIT, POLL = 30.0, 0.5  # seconds for the host to listen; the reference asks once
LIMIT = 256 << 20  # bytes
_WHAT = "the config from the host (vsock port 1024)"


def fetch(machine: Machine) -> bytes | None:
    """The config. Raises FetchError, CommandError."""
    if not os.path.exists(machine.path(DRIVER)):
        run(machine.log, ("modprobe", "vsock"), what="loading the kernel module vsock")
    data = ask(_connect(machine))
    machine.found(f"the host, virtual socket port {PORT}")
    return data


def _connect(machine: Machine) -> socket:
    end = time.monotonic() + WAIT
    while True:
        sock = socket(AF_VSOCK, SOCK_STREAM)
        sock.settimeout(SILENCE)
        try:
            sock.connect((HOST, PORT))
        except OSError as error:
            sock.close()
            if time.monotonic() >= end:
                raise FetchError(f"{_WHAT}: no program listens there ({error.strerror or error})") from None
            machine.log.debug(f"{_WHAT}: {error}; trying again")
            time.sleep(POLL)
        else:
            return sock


def ask(sock: socket) -> bytes:
    """Asks for `/` on a connection, and closes it. Raises FetchError."""
    connection = HTTPConnection("d")  # the name is of no consequence: this is the host
    connection.sock = sock
    try:
        connection.request("GET", "/", headers={"Accept": "application/json"})
        response = connection.getresponse()
        if response.status not in (200, 204):
            raise FetchError(f"{_WHAT}: the host answered with status {response.status}")
        data = response.read(LIMIT + 1)
        if response.length and len(data) <= LIMIT:  # the standard library says nothing then
            raise FetchError(f"{_WHAT}: it ends {response.length} bytes before its announced end")
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise FetchError(f"{_WHAT}: {reason}") from None
    finally:
        connection.close()
    if len(data) > LIMIT:
        raise FetchError(f"{_WHAT}: it is larger than {LIMIT} bytes")
    return data
