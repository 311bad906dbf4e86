"""`ignition-py collect-logs`: what somebody needs to find out why a machine was not provisioned, in one archive.

Report, failure, result, the executor's messages in the journal, the words of the kernel command line that are about
Ignition (URLs without their secrets), versions. Neither the config nor the stages' state goes in: both hold secrets.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zlib

from ignition_py import version_text
from ignition_py.fetch.urls import public
from ignition_py.notify.settings import REPORT_URL, told_host
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import kernel_command_line
from ignition_py.system.log import Log
from ignition_py.system.rootfs import Root
from ignition_py.system.run import CommandError, run

_MAX = 256 << 20  # bytes of a file
DEFAULT = "ignition-logs.tar.gz"
_FILES = (
    "/run/ignition/report.jsonl", "/run/ignition/failure.json", "/run/ignition/failure.txt",
    "/etc/.ignition-report.jsonl", "/etc/.ignition-result.json", "/etc/.ignition-failure.json", "/boot/.ignition-failure.json",
)  # fmt: skip
_PUBLIC_FILES = ("/etc/os-release", "/proc/uptime", "/proc/sys/kernel/osrelease")


def collect(root: str) -> dict[str, bytes]:
    """Name in the archive -> contents. What is not there, or not for this user to read, is left out and listed as missing."""
    members: dict[str, bytes] = {"version.txt": f"{version_text()}, Python {sys.version.split()[0]}\n".encode()}
    missing = []
    with Root(root) as opened:
        for path in (*_FILES, *_PUBLIC_FILES):
            try:
                data = opened.read(path, _MAX)
            except OSError as error:
                missing.append(f"{path}: {error.strerror}\n")
                continue
            if data is None:
                missing.append(f"{path}: there is no such file\n")
            else:
                members[path.lstrip("/").replace("/.", "/")] = data
    if root == "/":
        members["cmdline.txt"] = cmdline().encode()
        journal = _journal(missing)
        if journal is not None:
            members["journal.txt"] = journal
    members["missing.txt"] = "".join(missing).encode()
    return members


def cmdline(path: str = "") -> str:
    """The kernel arguments of Ignition, a line each; other arguments may hold secrets of others."""
    try:
        words = kernel_command_line(path).encode("utf-8", "replace").decode().split()
    except IgnitionError:
        return ""
    lines = []
    for word in words:
        name, equals, value = word.partition("=")
        if name == REPORT_URL:  # whose path may be a token
            lines.append(f"{name}{equals}{told_host(value) if '//' in value else ''}\n")
        elif name.startswith("ignition."):
            lines.append(f"{name}{equals}{public(value) if '://' in value or value.startswith('data:') else value}\n")
    return "".join(lines)


def _journal(missing: list[str]) -> bytes | None:
    """What the executor said, in every boot that the journal knows."""
    argv = ["journalctl", "--no-pager", "--output=short-monotonic", "--identifier=ignition"]
    try:
        return run(Log(to_stdout=True, threshold=0), argv, what="reading the journal", ok=(0, 1), timeout=60, limit=64 << 20).stdout
    except CommandError as error:
        missing.append(f"journal: {error.message}\n")
        return None


def archive(members: dict[str, bytes]) -> bytes:
    """A compressed tar archive, the same bytes for the same members: readable by its owner, owned by root, without times."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"ignition-logs/{name}")
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)  # gzip, with no name and no time in it
    return packer.compress(out.getvalue()) + packer.flush()
