"""Where the boot loader keeps its entries: the filesystem is found, mounted for a moment, and unmounted.

Looked for, in this order: the extended boot loader partition (XBOOTLDR), a filesystem labelled `boot`, the EFI system
partition, `/boot` of the root filesystem. Sources: UAPI group, Boot Loader Specification and Discoverable Partitions
Specification; systemd's Boot Loader Interface (LoaderDevicePartUUID); udev's database, which knows types and labels.
"""

from __future__ import annotations

import os
import time
from types import TracebackType

from ignition_py.record import KW_ONLY, Record
from ignition_py.stages.kargs.entries import split
from ignition_py.system import udev
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run

XBOOTLDR = "bc13c2ff-59e6-4262-a352-b275fd6f7172"
ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
LABEL = "boot"
MOUNT_POINT = "/run/ignition/boot"
LOADER_VARIABLE = "/sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_PATIENCE = 10.0  # seconds that a disk may take to come up
_BY = {"UUID": "uuid", "LABEL": "label", "PARTUUID": "partuuid", "PARTLABEL": "partlabel"}


class Device(Record):
    """A block device as udev sees it. `disk` names the disk that a partition is on; `properties` are udev's."""

    node: str
    disk: str
    properties: dict[str, str]

    def get(self, name: str) -> str:
        return self.properties.get(name, "")


class Place(Record):
    """A filesystem that may hold boot entries. `what` says why it is looked at; `options` are mount options.

    `rivals` lists the devices where there are several that it could be. `is_root`: it is the root filesystem.
    """

    what: str
    node: str
    options: str = ""
    rivals: tuple[str, ...] = ()
    _: KW_ONLY
    is_root: bool = False

    def describe(self) -> str:
        return f"{self.what} {self.node}"


def scan(classes: str = "/sys/class/block", database: str = "", dev: str = "/dev") -> list[Device]:
    """The block devices that udev has looked at, by name."""
    found = []
    for name in sorted(os.listdir(classes)):
        try:
            with open(f"{classes}/{name}/dev") as file:
                number = file.read().strip()
        except OSError:
            continue
        entry = udev.entry_of(number, database)
        if entry is None:
            continue
        real = os.path.realpath(f"{classes}/{name}")
        disk = os.path.basename(os.path.dirname(real)) if os.path.exists(f"{real}/partition") else name
        found.append(Device(f"{dev}/{name}", disk, entry.properties))
    return found


def loader_partition(variable: str = LOADER_VARIABLE) -> str:
    """The unique id of the partition that the boot loader was started from, "" where it does not say (GRUB, no EFI)."""
    try:
        with open(variable, "rb") as file:
            data = file.read(4096)[4:]  # behind the attributes
    except OSError:
        return ""
    return data.decode("utf-16-le", "replace").rstrip("\0").lower()


def places(devices: list[Device], command_line: str, loader: str = "") -> list[Place]:
    """Where to look, in order."""
    started = next((device.disk for device in devices if loader and device.get("ID_PART_ENTRY_UUID").lower() == loader), "")
    found: list[Place] = []
    for what, candidates in (
        ("the extended boot loader partition", [d for d in devices if d.get("ID_PART_ENTRY_TYPE") == XBOOTLDR]),
        ("the boot filesystem", [d for d in devices if d.get("ID_FS_LABEL") == LABEL]),
        ("the EFI system partition", [d for d in devices if d.get("ID_PART_ENTRY_TYPE") == ESP]),
    ):
        seen = [place.node for place in found]
        usable = [d.node for d in candidates if d.get("ID_FS_TYPE") and d.node not in seen and (not started or d.disk == started)]
        if usable:
            found.append(Place(what, usable[0], rivals=tuple(usable) if len(usable) > 1 else ()))
    root = _root(command_line)
    return found if root is None or root.node in [place.node for place in found] else [*found, root]


def _root(command_line: str) -> Place | None:
    """The root filesystem that the kernel command line names (systemd's and dracut's root=, rootflags=)."""
    values = {name: value.strip('"') for name, _, value in (word.partition("=") for word in split(command_line))}
    root = values.get("root", "")
    tag, equals, value = root.partition("=")
    if equals and tag.upper() in _BY:
        root = f"/dev/disk/by-{_BY[tag.upper()]}/{value.strip(chr(34))}"
    if not root.startswith("/dev/") or ".." in root:
        return None
    return Place("the root filesystem", os.path.realpath(root), values.get("rootflags", ""), is_root=True)


def find(log: Log, command_line: str) -> list[Place]:
    """As `places`, with this machine's devices; waits a little while there are none."""
    udev.settle(log)
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = [place for place in places(scan(), command_line, loader_partition()) if os.path.exists(place.node)]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


class Mounted(Record):
    """`with Mounted(log, place) as path`: the filesystem at `path`, unmounted (which writes all of it) at the end."""

    log: Log
    place: Place
    _: KW_ONLY
    at: str = MOUNT_POINT

    def __enter__(self) -> str:
        os.makedirs(self.at, mode=0o700, exist_ok=True)
        options = ",".join(filter(None, ("rw", "nodev", "nosuid", "noexec", self.place.options)))
        run(self.log, ["mount", "-o", options, "--", self.place.node, self.at], what=f"mounting {self.place.describe()}")
        return self.at

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            run(self.log, ["umount", "--", self.at], what=f"unmounting {self.place.describe()}")
        except CommandError as problem:
            if error is None:
                raise
            self.log.warning(str(problem))
