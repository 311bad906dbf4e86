"""The machine that this runs on, and files of our own: where programs are, memory, boot, mounts, writing whole files.

One function for each, used by every part of the program. Sources: proc(5), mountinfo; environ(7), PATH; write(2).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError

DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")  # of programs, in any root filesystem
ALWAYS_SEARCHED = ("/usr/sbin", "/sbin")  # a user's PATH often lacks them, and mkfs is there
BOOT_ID = "/proc/sys/kernel/random/boot_id"
COMMAND_LINE = "/proc/cmdline"
INITRAMFS = "/etc/initrd-release"  # systemd's mark of an initramfs
MEMORY = "/proc/meminfo"
MOUNTS = "/proc/self/mountinfo"


def search_path() -> list[str]:
    """The directories that programs are looked for in: PATH, and those of the system's own programs."""
    listed = os.environ.get("PATH", ":".join(DIRECTORIES)).split(":")
    return list(dict.fromkeys(folder for folder in (*listed, *ALWAYS_SEARCHED) if folder))


def which(tool: str) -> str:
    """The path of a program, "" where there is none."""
    for folder in search_path():
        path = os.path.join(folder, tool)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return ""


def in_initramfs() -> bool:
    """True if this runs in an initramfs, not on the system that it boots."""
    return os.path.exists(INITRAMFS)


def boot_id() -> str:
    """The kernel's random id of this boot, "" where /proc is not mounted."""
    try:
        with open(BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def available_memory() -> int:
    """Bytes of memory that programs can take without swapping (MemAvailable); 0 where that is not known."""
    try:
        with open(MEMORY, encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass
    return 0


def kernel_command_line(path: str = "") -> str:
    """The kernel command line; bytes that are not UTF-8 become lone surrogates. Raises IgnitionError."""
    path = path or COMMAND_LINE
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise IgnitionError(f"reading the kernel command line {path}: {error.strerror}") from None


class Mount(Record):
    """A mounted filesystem. `device` is "major:minor"; `source` what was mounted, such as "/dev/vda1"; `target` the mount point."""

    device: str
    source: str
    target: str


def mounts() -> Iterator[Mount]:
    """Every mount of this mount namespace, in the order in which they were made. Raises IgnitionError."""
    try:
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise IgnitionError(f"reading the list of mounts {MOUNTS}: {error.strerror}") from None
    for line in lines:
        left, _, right = line.partition(" - ")
        before, after = left.split(" "), right.split(" ")
        if len(before) > 4 and len(after) > 1:
            yield Mount(before[2], unescape(after[1]), unescape(before[4]))


def unescape(text: str) -> str:
    """Undoes the octal escapes of proc(5): `\\040` is a space."""
    head, *rest = text.split("\\")
    parts = [head]
    for part in rest:
        digits = part[:3]
        octal = len(digits) == 3 and set(digits) <= set("01234567")
        parts.append(chr(int(digits, 8)) + part[3:] if octal else "\\" + part)
    return "".join(parts)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes all of `data`: write(2) may take a part only, and a descriptor that does not block may take nothing yet.

    Raises OSError.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            wait_ready(fd, reading=False)


def wait_ready(fd: int, *, reading: bool) -> None:
    """Waits until a descriptor can be read, or written to."""
    import select  # only for pipes and terminals that another program has made non-blocking

    poll = select.poll()
    poll.register(fd, select.POLLIN if reading else select.POLLOUT)
    poll.poll()


def write_private(path: str, data: bytes, *, what: str, durable: bool = False) -> None:
    """Replaces `path` as a whole by `data`, readable by its owner only: a reader sees the old file or the new one.

    `durable`: it is on the disk when this returns; in /run there is no disk. Raises IgnitionError.
    """
    folder = os.path.dirname(path) or "."
    new = f"{path}.{os.getpid()}.new"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.path.lexists(new):  # left by a run that was killed
            os.unlink(new)
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                write_all(fd, data)
                if durable:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(new, path)
        except OSError:
            os.unlink(new)
            raise
        if durable:
            sync_directory(folder)
    except OSError as error:
        raise IgnitionError(f"writing {what} {path}: {error.strerror}") from None


def sync_directory(path: str) -> None:
    """Has the names in a directory on the disk. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
