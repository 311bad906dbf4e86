"""Image files and blank disks in place of a machine's disks, for `ignition-py plan --disk NAME=IMAGE`."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping

from ignition_py.programs.sizes import size_of
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Raid
from ignition_py.stages.disks.foresee.volumes import Volume
from ignition_py.stages.disks.partitions import gpt
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.stages.disks.partitions.plan import DiskPlan
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log

_FORMATS = ((b"QFI\xfb", "qcow2"), (b"KDMV", "VMDK"), (b"conectix", "VHD"), (b"vhdxfile", "VHDX"))
_LEAST = 64  # sectors; less holds no table
_LINK = re.compile("/dev/disk/by-(label|uuid|partlabel|partuuid)/")


class Images:
    """Implements `foresee.Look`: only the images exist, and the machine is not asked.

    `images`: by name of the disk, an image, the size of a blank disk, or another name of it. Names of one image, and a name
    that stands for another, are names of one disk.
    """

    def __init__(self, images: Mapping[str, str]) -> None:
        self._images = dict(images)
        self._names: dict[str, list[str]] = {}
        for name in images:
            self._names.setdefault(self.disk(name), []).append(name)

    def image(self, name: str) -> str | None:
        """The image or the size that was given for a disk."""
        return self._images.get(self._original(name))

    def _original(self, name: str) -> str:
        """The name whose image is an image and not another name. Raises StageError where names stand for each other."""
        seen = [name]
        while (other := os.path.normpath(self._images.get(seen[-1], ""))) in self._images:
            if other in seen:
                raise StageError(f"--disk: {' and '.join(seen)} stand for each other; give one of them an image or a size")
            seen.append(other)
        return seen[-1]

    def disk(self, name: str) -> str:
        """What two names have in common if they are names of one disk."""
        original = self._original(name)
        image = self._images.get(original, "")
        return os.path.realpath(image) if os.path.exists(image) else original

    def device(self, name: str) -> Volume | None:
        del name
        return None

    def names(self, plan: DiskPlan) -> Iterable[str]:
        return self._names.get(self.disk(plan.state.device), ())

    def others(self, listed: Iterable[str]) -> list[str]:
        """One name of each disk that has none in `listed`."""
        taken = set(listed)
        return [names[0] for names in self._names.values() if not taken.intersection(names)]

    def unused(self, devices: Iterable[str]) -> list[str]:
        """Names of disks that none of a config's `devices` is, or is a part of. What links such as by-label are on is not
        known before the images are read: with one of them, every image is in use."""
        named = set(devices)
        linked = any(_LINK.match(device) for device in named)
        found = []
        for disk, names in self._names.items():
            parts = re.compile("|".join(f"{re.escape(name)}(p?[0-9]+|-part[0-9]+)?" for name in names))
            if not any(map(parts.fullmatch, named)) and not (linked and os.path.exists(disk)):
                found.append(names[0])
        return found

    def running(self, array: Raid) -> Volume | None:
        del array
        return None

    def unfinished(self, array: Raid) -> bool:
        del array
        return False

    def node(self, volume: Volume) -> str:
        del volume
        return ""

    def opened(self, name: str) -> Volume | None:
        del name
        return None


def image_state(log: Log, device: str, image: str, sector_size: int) -> DiskState:
    """The state of a disk whose contents `image` has: a raw image, a block device, or a size such as `10G` for a blank disk.
    `sector_size` (bytes) is for images that do not say theirs. Raises StageError."""
    if not os.path.exists(image):
        blank = gpt.read(lambda _lba, count: bytes(count * sector_size), sector_size, _blank_size(device, image) // sector_size)
        return _state(device, "", blank)
    try:
        mode = os.stat(image).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):  # before it is opened: a FIFO would wait for a writer
            raise StageError(f"{image}, given for {device}, is neither an image file nor a block device")
        with open(image, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            if not size:
                raise StageError(f"the image {image} of {device} is empty; for a blank disk give a size, such as --disk {device}=10G")
            file.seek(0)
            _refuse_formats(image, file.read(512))
            sector_size = _sector_size(file.fileno(), sector_size)

            def read(lba: int, count: int) -> bytes:
                file.seek(lba * sector_size)
                return file.read(count * sector_size)

            reading = gpt.read(read, sector_size, size // sector_size)
    except OSError as error:
        raise StageError(f"reading the image {image} of {device}: {error.strerror}") from None
    return _state(device, image, reading, probe(log, image))


def _state(device: str, image: str, reading: gpt.Reading, found: Signature | None = None) -> DiskState:
    if reading.sectors < _LEAST:
        raise StageError(f"{device}: {reading.sectors} sectors of {reading.sector_size} bytes are too few for a partition table")
    array = gpt.SLOTS * gpt.ENTRY_SIZE // reading.sector_size
    return DiskState(
        device=device,
        node=image,
        reading=reading,
        kernel={},
        busy="",
        busy_partitions={},
        signature=found or Signature(),
        fresh_usable=(2 + array, reading.sectors - 2 - array),
    )


def _blank_size(device: str, text: str) -> int:
    """The size of a blank disk in bytes. Raises StageError for what is neither a size nor a file."""
    try:
        return size_of(text)
    except ValueError as error:
        if text[:1].isdigit():
            raise StageError(f"the size of {device}: {error}, and no file has that name") from None
        raise StageError(f"reading the image {text} of {device}: No such file or directory") from None


def _sector_size(fd: int, otherwise: int) -> int:
    """Where the signature of a GPT lies says how large sectors are."""
    return next((size for size in (512, 4096) if os.pread(fd, 8, size) == gpt.SIGNATURE), otherwise)


def _refuse_formats(image: str, start: bytes) -> None:
    for magic, name in _FORMATS:
        if start.startswith(magic):
            raise StageError(
                f"{image} is a {name} image, and only raw ones can be read; `qemu-img convert -O raw` makes one of it"
            )
