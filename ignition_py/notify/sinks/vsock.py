"""Sink `vsock`: a message to the notify socket of the virtual machine monitor, the one that systemd tells READY=1.

The address is the system credential `vmm.notify_socket`: `vsock:CID:PORT`, or `vsock-stream:`, `vsock-dgram:`, `vsock-seqpacket:`.
A message is lines NAME=VALUE: STATUS for people, X_IGNITION_EVENT and X_IGNITION_REPORT (JSON). READY=1 is left to systemd.
Sources: systemd(1), "System credentials"; sd_notify(3); vsock(7).
"""

from __future__ import annotations

import os

from ignition_py.notify.event import FAILED, Report
from ignition_py.notify.sinks import NOTIFY_SOCKET, Door
from ignition_py.report.diag import IgnitionError

_SECONDS = 2.0
_LONGEST = 256  # bytes of an address


def tell(report: Report, door: Door) -> None:
    """Sends the message. Raises IgnitionError, OSError."""
    with open(door.path(NOTIFY_SOCKET), encoding="utf-8", errors="replace") as file:
        address = file.read(_LONGEST).strip()
    kinds, target = _parsed(address)
    message = "\n".join(
        (
            f"STATUS={_status(report)}",
            f"X_IGNITION_EVENT={report.event}",
            f"X_IGNITION_REPORT={report.body.decode()}",
            "",
        )
    )
    error: OSError | None = None
    for kind in kinds:
        try:
            _send(kind, target, message.encode())
        except OSError as problem:
            error = problem
        else:
            return
    if error is not None:
        raise error


def _parsed(address: str) -> tuple[tuple[int, ...], tuple[int, int]]:
    """The types of sockets to try, and the address. Raises IgnitionError."""
    from socket import SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM

    kinds = {
        "vsock": (SOCK_DGRAM, SOCK_SEQPACKET),
        "vsock-stream": (SOCK_STREAM,),
        "vsock-dgram": (SOCK_DGRAM,),
        "vsock-seqpacket": (SOCK_SEQPACKET,),
    }
    name, *numbers = address.split(":")
    if name not in kinds or len(numbers) != 2 or not all(number.isascii() and number.isdecimal() for number in numbers):
        raise IgnitionError(f"the credential {os.path.basename(NOTIFY_SOCKET)} is no address of a vsock")
    return kinds[name], (int(numbers[0]), int(numbers[1]))


def _send(kind: int, target: tuple[int, int], message: bytes) -> None:
    import socket

    with socket.socket(socket.AF_VSOCK, kind) as sock:
        sock.settimeout(_SECONDS)
        sock.connect(target)
        sock.sendall(message)


def _status(report: Report) -> str:
    data = report.data
    text = (
        f"Ignition failed in stage {data['stage']}: {data['message']}"
        if report.event == FAILED
        else f"Ignition: {report.event}"
    )
    return "".join(char if char.isprintable() else " " for char in text)
