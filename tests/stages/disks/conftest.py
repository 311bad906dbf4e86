"""Loop devices and a stage context for the tests of the disks stage."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.spec.tables import Config, Storage
from ignition_py.stages.disks import aliases, progress
from ignition_py.state import State
from ignition_py.system.log import Log
from tests.stages.disks.disks_lab import MIB


@pytest.fixture
def log() -> Log:
    return Log(to_stdout=True)


@pytest.fixture
def loop() -> Iterator[Callable[..., str]]:
    """Makes loop devices: `loop(mib, sector_size=512)` -> "/dev/loopN"; all are gone afterwards. Their images lie in memory
    where there is room: the tests sync a lot."""
    made: list[str] = []
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))

    def make(mib: int = 64, sector_size: int = 512, image: Path | None = None) -> str:
        if image is None:
            image = folder / f"disk{len(made)}.img"
            with image.open("wb") as file:
                file.truncate(mib * MIB)
        argv = ["losetup", "--find", "--show", "--partscan", "--sector-size", str(sector_size), str(image)]
        node = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        made.append(node)
        return node

    yield make
    for node in made:
        subprocess.run(["losetup", "--detach", node], check=True)
    shutil.rmtree(folder)


@pytest.fixture
def context(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Context]:
    """Makes a context for a storage section; aliases and progress live in the test's directory."""
    monkeypatch.setattr(aliases, "DIRECTORY", str(tmp_path / "run" / "dev_aliases"))
    monkeypatch.setattr(progress, "PATH", str(tmp_path / "run" / "disks-progress"))
    root = tmp_path / "sysroot"
    root.mkdir(exist_ok=True)

    def make(**storage: Any) -> Context:
        fetcher: Any = None
        return Context(config=Config(storage=Storage(**storage)), root=str(root), log=log, state=State(), fetcher=fetcher)

    return make
