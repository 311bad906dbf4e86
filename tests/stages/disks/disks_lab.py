"""What the tests of disks share: image files as disk states, independent readers of tables, config entries."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ignition_py.stages.disks.stage  # noqa: F401  # with every module that `replace_run` is about
from ignition_py.context import Context
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.spec.tables import Disk, Ignition, Timeouts
from ignition_py.stages.disks import progress
from ignition_py.stages.disks.partitions import gpt
from ignition_py.stages.disks.partitions.inspect import DiskState
from ignition_py.system import run as run_module
from ignition_py.system.blkid import Signature
from ignition_py.system.log import Log

MIB = 1024 * 1024


def forget_boot() -> None:
    """What a power cut does to the initramfs: the progress record is gone."""
    if os.path.exists(progress.PATH):
        os.unlink(progress.PATH)


def fetching_for(seconds: int, log: Log, ctx: Context) -> Context:
    """`ctx` with a fetcher that works, and gives up after that time."""
    ctx.fetcher = Fetcher(log)
    ctx.fetcher.configure(Ignition(timeouts=Timeouts(http_total=seconds)))
    return ctx


def image_state(path: Path, *, sector_size: int = 512, device: str = "/dev/test", signature: Signature | None = None) -> DiskState:
    """An image file as the state of a disk nobody uses and whose partitions the kernel does not know."""
    sectors = path.stat().st_size // sector_size
    reading = read_table(path, sector_size)
    array = gpt.SLOTS * gpt.ENTRY_SIZE // sector_size
    return DiskState(
        device=device, node=str(path), reading=reading, kernel={}, busy="", busy_partitions={},
        signature=signature or Signature(), fresh_usable=(2 + array, sectors - 2 - array),
    )


def write_table(path: Path, table: gpt.Table, sectors: int) -> None:
    """A new image with `table` on it."""
    with path.open("wb") as file:
        file.truncate(sectors * table.sector_size)
        for part in gpt.encode(table, sectors, b""):
            file.seek(part.lba * table.sector_size)
            file.write(part.data)


def read_table(path: str | Path, sector_size: int = 512) -> gpt.Reading:
    """Both tables of a device or image."""
    with open(path, "rb") as file:
        sectors = file.seek(0, os.SEEK_END) // sector_size

        def read(lba: int, count: int) -> bytes:
            file.seek(lba * sector_size)
            return file.read(count * sector_size)

        return gpt.read(read, sector_size, sectors)


def fingerprint(node: str | Path) -> str:
    """A digest of everything on a device or image (which may be larger than the memory of a test's machine).

    Of blocks of zeros only the place counts: most are, and a translated machine hashes 20 to 50 MB/s.
    """
    digest, zeros = hashlib.sha256(), bytes(1 << 16)
    with open(node, "rb") as file:
        while block := file.read(len(zeros)):
            if block != zeros:
                digest.update(b"%d:" % file.tell())
                digest.update(block)
        digest.update(b"%d" % file.tell())
    return digest.hexdigest()


def sgdisk(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sgdisk", *argv], capture_output=True, text=True, check=False)


def sgdisk_table(path: str | Path, numbers: list[int]) -> dict[int, tuple[int, int, str, str, str]]:
    """The table as sgdisk, an independent reader, sees it: number -> first, last, type GUID, GUID, name."""
    found = {}
    for number in numbers:
        values = dict(line.split(": ", 1) for line in sgdisk("-i", str(number), str(path)).stdout.splitlines() if ": " in line)
        found[number] = (
            int(values["First sector"].split()[0]), int(values["Last sector"].split()[0]),
            values["Partition GUID code"].split()[0], values["Partition unique GUID"], values["Partition name"][1:-1],
        )
    return found


def disk(device: str, *partitions: Any, **more: Any) -> Disk:
    return Disk(device=device, partitions=partitions, **more)


def replace_run(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> None:
    """Has every module of the stages start programs through `run` in place of system/run.py's."""
    real = run_module.run
    for name, module in list(sys.modules.items()):
        if name.startswith("ignition_py.") and getattr(module, "run", None) is real:
            monkeypatch.setattr(module, "run", run)
