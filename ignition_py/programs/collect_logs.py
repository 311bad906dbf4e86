"""`ignition-py collect-logs`: what somebody needs who is to find out why a machine was not provisioned, in one archive.

Report, failure, result, the executor's messages in the journal, the words of the kernel command line that are about
Ignition (URLs without their secrets), versions. Neither the config nor the stages' state goes in: both hold secrets.

Exit status: 0 written, 1 it cannot be written, 2 wrong usage.
"""

from __future__ import annotations

import sys

from ignition_py.goflags import TEXT, Flag, Parser, no_operands
from ignition_py.programs.inputs import complain, write
from ignition_py.report.diag import IgnitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ABOUT = "Writes an archive (.tar.gz) of what is known about the provisioning of this machine. It holds no secrets."
_MAX = 256 << 20  # bytes of a file
_BLOCK = 512  # bytes, of the tar format
_DEFAULT = "ignition-logs.tar.gz"
_FILES = (
    "/run/ignition/report.jsonl", "/run/ignition/failure.json", "/run/ignition/failure.txt",
    "/etc/.ignition-report.jsonl", "/etc/.ignition-result.json", "/etc/.ignition-failure.json", "/boot/.ignition-failure.json",
)  # fmt: skip
_PUBLIC_FILES = ("/etc/os-release", "/proc/uptime", "/proc/sys/kernel/osrelease")


def parser(program: str) -> Parser:
    flags = (
        Flag("output", TEXT, "the archive to write; - is standard output", noun="file", default=_DEFAULT),
        Flag("root", TEXT, "the root of another machine", noun="folder", default="/"),
    )
    return Parser(program, flags, about=_ABOUT)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, no_operands)
    if isinstance(values, int):
        return values
    output, root = values.text("output"), values.text("root")
    try:
        members = collect(root)
        if output == "-":
            sys.stdout.buffer.write(archive(members))
            return 0
        from ignition_py.system.host import write_private

        write_private(output, archive(members), what="the archive", durable=True)
    except (IgnitionError, OSError) as error:
        complain(program, str(error))
        return 1
    write("".join(f"{name}\n" for name in members) + f"{output}: {len(members)} files\n")
    return 0


def collect(root: str) -> dict[str, bytes]:
    """Name in the archive -> contents. What is not there, or not for this user to read, is left out and listed as missing."""
    from ignition_py.cli import version_text
    from ignition_py.system.rootfs import Root

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
    from ignition_py.fetch.urls import public
    from ignition_py.system.host import kernel_command_line

    try:
        words = kernel_command_line(path).encode("utf-8", "replace").decode().split()
    except IgnitionError:
        return ""
    lines = []
    for word in words:
        name, equals, value = word.partition("=")
        if name.startswith("ignition."):
            lines.append(f"{name}{equals}{public(value) if '://' in value or value.startswith('data:') else value}\n")
    return "".join(lines)


def _journal(missing: list[str]) -> bytes | None:
    """What the executor said, in every boot that the journal knows."""
    from ignition_py.system.log import Log
    from ignition_py.system.run import CommandError, run

    argv = ["journalctl", "--no-pager", "--output=short-monotonic", "--identifier=ignition"]
    try:
        return run(Log(to_stdout=True, threshold=0), argv, what="reading the journal", ok=(0, 1), timeout=60, limit=64 << 20).stdout
    except CommandError as error:
        missing.append(f"journal: {error.message}\n")
        return None


def archive(members: dict[str, bytes]) -> bytes:
    """A compressed tar archive, the same bytes for the same members. The tarfile module is not in an initramfs."""
    import zlib

    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)  # gzip, with no name and no time in it
    parts = []
    for name, data in members.items():
        padding = -len(data) % _BLOCK
        parts += [packer.compress(_header(f"ignition-logs/{name}", len(data))), packer.compress(data + bytes(padding))]
    return b"".join([*parts, packer.compress(bytes(2 * _BLOCK)), packer.flush()])


def _header(name: str, size: int) -> bytes:
    """A member's header, mode 0600, owned by root, with no time. Format: POSIX pax, "ustar interchange format"."""

    def build(checksum: bytes) -> bytes:
        fields = name.encode().ljust(100, b"\0") + b"0000600\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"%011o\0" % 0
        return (fields + checksum + b"0" + bytes(100) + b"ustar\x0000").ljust(_BLOCK, b"\0")

    return build(b"%06o\0 " % sum(build(b" " * 8)))
