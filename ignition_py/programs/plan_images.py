"""Image files and blank disks in place of a machine's disks, for `ignition-py plan --disk NAME=IMAGE`."""

from __future__ import annotations

import os
import stat

from ignition_py.report.diag import StageError
from ignition_py.stages.disks.partitions import gpt
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.system.blkid import Signature, probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ignition_py.spec.tables import Raid
    from ignition_py.stages.disks.foresee.volumes import Volume
    from ignition_py.stages.disks.partitions.plan import DiskPlan
    from ignition_py.system.log import Log

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_FORMATS = ((b"QFI\xfb", "qcow2"), (b"KDMV", "VMDK"), (b"conectix", "VHD"), (b"vhdxfile", "VHDX"))
_LEAST = 64  # sectors; less holds no table
_MOST = 1 << 63  # bytes


class Images:
    """Implements `foresee.Look`: nothing is there but what the plans are about, and the machine is not asked. `images`: the
    image, or the size of a blank disk, by name of the disk; two names of one image are two names of one disk."""

    def __init__(self, images: Mapping[str, str]) -> None:
        self._names: dict[str, list[str]] = {}
        for name, image in images.items():
            if os.path.exists(image):
                self._names.setdefault(os.path.realpath(image), []).append(name)

    def device(self, name: str) -> Volume | None:
        del name
        return None

    def names(self, plan: DiskPlan) -> Iterable[str]:
        return self._names.get(os.path.realpath(plan.state.node), ()) if plan.state.node else ()

    def others(self, listed: Iterable[str]) -> list[str]:
        """One name of each image that has none in `listed`."""
        taken = set(listed)
        return [names[0] for names in self._names.values() if not taken.intersection(names)]

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
    size = _blank_size(image)
    if size and not os.path.exists(image):
        return _state(device, "", gpt.read(lambda _lba, count: bytes(count * sector_size), sector_size, size // sector_size))
    try:
        with open(image, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
                raise StageError(f"{image}, given for {device}, is neither an image file nor a block device")
            _refuse_formats(image, file.read(512))
            sector_size = _sector_size(file.fileno(), sector_size)
            sectors = file.seek(0, os.SEEK_END) // sector_size

            def read(lba: int, count: int) -> bytes:
                file.seek(lba * sector_size)
                return file.read(count * sector_size)

            reading = gpt.read(read, sector_size, sectors)
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


def _blank_size(text: str) -> int:
    """`10G` in bytes, 0 for what is no size."""
    unit = _UNITS.get(text[-1:].upper(), 0)
    digits = text[:-1] if unit else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        return 0
    size = int(digits) * (unit or 1)
    return size if size < _MOST else 0


def _sector_size(fd: int, otherwise: int) -> int:
    """Where the signature of a GPT lies says how large sectors are."""
    return next((size for size in (512, 4096) if os.pread(fd, 8, size) == gpt.SIGNATURE), otherwise)


def _refuse_formats(image: str, start: bytes) -> None:
    for magic, name in _FORMATS:
        if start.startswith(magic):
            raise StageError(
                f"{image} is a {name} image, and only raw ones can be read; `qemu-img convert -O raw` makes one of it"
            )
