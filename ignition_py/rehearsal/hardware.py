"""Drives and network of a machine, as words of QEMU's command line.

    disks.py and handover.py make Drives -> machine.py asks each for its words

Nothing on the host is written but files of the rehearsal's own: a drive that belongs to somebody else is a `snapshot`, whose
changes QEMU keeps in a temporary file that is gone with it. Source: qemu-system(1), "Block device options", "Network options".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from ignition_py.record import KW_ONLY, Record

VIRTIO, ATA, NVME = "virtio", "ata", "nvme"
# The device that a drive on each bus becomes.
_DEVICES = {VIRTIO: "virtio-blk-pci,drive={drive}", ATA: "ide-hd,drive={drive},bus=ahci.{port}", NVME: "nvme,drive={drive}"}
ATA_PORTS = 6
# How a disk image begins, by QEMU's name for its format; anything else is a raw one.
_MAGIC = {b"QFI\xfb": "qcow2", b"KDMV": "vmdk", b"vhdxfile": "vhdx"}
GATEWAY, SERVER = "10.0.2.2", "10.0.2.100"


class Drive(Record):
    """A file that the machine sees as a disk. `serial` names it in /dev/disk/by-id, where its bus does that; a machine cannot
    write to one that is `read_only`."""

    path: str
    serial: str
    _: KW_ONLY
    bus: str = VIRTIO
    image_format: str = "raw"
    snapshot: bool = False
    read_only: bool = False


def drive_words(drives: Iterable[Drive]) -> list[str]:
    """QEMU's words for the drives, in order. The first is the one that firmware boots from."""
    words: list[str] = []
    ports = 0
    for number, drive in enumerate(drives):
        name = f"d{number}"
        how = "snapshot=on" if drive.snapshot else "readonly=on" if drive.read_only else "discard=unmap"
        words += ["-drive", f"file={_quoted(drive.path)},if=none,id={name},format={drive.image_format},cache=writeback,{how}"]
        if drive.bus == ATA and not ports:
            words += ["-device", "ahci,id=ahci"]
        device = _DEVICES[drive.bus].format(drive=name, port=ports)
        ports += drive.bus == ATA
        words += ["-device", f"{device},serial={_quoted(drive.serial)}" + ("" if number else ",bootindex=1")]
    return words


def image_format(path: str) -> str:
    """QEMU's name for the format of a disk image. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(8)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "raw")


class Network:
    """One network card. `forward`: TCP ports at the address `server`, each with the Unix socket on the host that answers there.

    `server` is in the card's network, which has 24 bits. `outside`: connections elsewhere are made by QEMU from the host;
    without it nothing else can be reached. `capture`: a file that gets every frame (pcap).
    """

    __slots__ = ("capture", "forward", "outside", "server")

    def __init__(
        self, *forward: tuple[int, str], server: str = SERVER, outside: bool = False, capture: str = ""
    ) -> None:
        self.forward = forward
        self.server = server
        self.outside = outside
        self.capture = capture

    def words(self) -> list[str]:
        options = f"user,id=net,restrict={'off' if self.outside else 'on'}"
        if self.server != SERVER:
            options += ",net={0}.0/24,dhcpstart={0}.15".format(self.server.rpartition(".")[0])
        relay = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")
        for port, address in self.forward:
            options += f",guestfwd=tcp:{self.server}:{port}-cmd:{sys.executable} -IS {relay} {address}"
        words = ["-netdev", options, "-device", "virtio-net-pci,netdev=net"]
        if self.capture:
            words += ["-object", f"filter-dump,id=dump,netdev=net,file={_quoted(self.capture)}"]
        return words


def _quoted(text: str) -> str:
    """QEMU separates options by commas; a doubled one is a comma."""
    return text.replace(",", ",,")
