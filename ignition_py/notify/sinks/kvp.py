"""Sink `kvp`: a key-value pair in pool 1 (guest to host), which hv_kvp_daemon hands to Hyper-V's host when it asks.

    ignition.report       the marker's JSON, on Hyper-V
    PROVISIONING_REPORT   what Azure's host looks for: result=error|reason=…|agent=…|vm_id=…

The pair goes to the pool's file, one record of 512 and 2048 bytes with zeros behind the texts; the daemon reads the file anew
before each answer, and locks it (fcntl) as this does. Without a running daemon nobody reads it: an initramfs that has none
delivers the pairs of a failure to nobody. Sources: Linux tools/hv/hv_kvp_daemon.c, include/uapi/linux/hyperv.h; cloud-init's
documentation of PROVISIONING_REPORT.
"""

from __future__ import annotations

import fcntl
import os
import time

from ignition_py import __version__
from ignition_py.notify.event import FAILED, MARKER, Report, marker
from ignition_py.notify.sinks import Door
from ignition_py.system.host import write_all

POOL = "/var/lib/hyperv/.kvp_pool_1"
REPORT, PROVISIONING = b"ignition.report", b"PROVISIONING_REPORT"
_KEY, _VALUE = 512, 2048  # bytes
_LONGEST = 1022  # bytes of a value: Azure's host reads 1,024 with the zero bytes behind it (cloud-init)
_DOCUMENTATION = "https://aka.ms/linuxprovisioningerror"


def tell(report: Report, door: Door) -> None:
    """Puts the pair into the pool, in the place of one of that key. Raises OSError."""
    azure = door.platform == "azure"
    value = _provisioning(report) if azure else marker(report.data).removeprefix(MARKER).encode()
    path = door.path(POOL)
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _replace(fd, PROVISIONING if azure else REPORT, value)
    finally:
        os.close(fd)


def _replace(fd: int, key: bytes, value: bytes) -> None:
    record = key.ljust(_KEY, b"\0") + value.ljust(_VALUE, b"\0")
    size = os.fstat(fd).st_size
    end = size - size % len(record)  # half of a record is nobody's
    for start in range(0, end, len(record)):
        if os.pread(fd, _KEY, start).rstrip(b"\0") == key:
            end = start
            break
    os.lseek(fd, end, os.SEEK_SET)
    write_all(fd, record)


def _provisioning(report: Report) -> bytes:
    """Fields with `|` between them, quoted as CSV where they have one."""
    data = report.data
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    machine = data["machine"]["uuid"] or ""
    agent = f"agent=ignition-py/{__version__}"
    if report.event == FAILED:
        reason = f"reason=Ignition failed in stage {data['stage']}: {data['message']}"
        fields = [
            "result=error",
            reason,
            agent,
            f"vm_id={machine}",
            f"timestamp={at}",
            f"documentation_url={_DOCUMENTATION}",
        ]
    else:
        fields = ["result=success", agent, "pps_type=None", f"vm_id={machine}", f"timestamp={at}"]
    if len("|".join(fields).encode()) > _LONGEST - 64:
        fields[1] = fields[1].encode()[:400].decode("utf-8", "ignore")
    return "|".join(_quoted(field) for field in fields).encode()[:_LONGEST]


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if any(char in field for char in '|"\r\n') else field
