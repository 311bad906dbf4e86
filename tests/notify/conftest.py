"""Fixtures: a machine below tmp_path, a receiver that keeps what it is sent, and the namespace with the platforms' real addresses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py import quickjson as json
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.notify.event import Report, report
from ignition_py.notify.settings import Wanted
from ignition_py.notify.sinks import Door
from tests.helpers.servers import MemoryLog
from tests.notify.receiver import Receiver
from tests.providers.conftest import _namespace, network  # noqa: F401  # fixtures
from tests.providers.hosts import _hosts, hosts  # noqa: F401  # fixtures

FAILURE: dict[str, Any] = {
    "stage": "disks",
    "message": "disk /dev/vdb: partition 1 needs 5 GiB; 1 GiB are free",
    "entry": "$.storage.disks.0.partitions.0",
    "source": "https://config.example/a.ign",
    "line": 1,
    "column": 90,
    "written": {"entry": "$.storage", "source": "node.bu", "line": 7, "column": 5},
    "said": ["no room"],
    "command": "sgdisk",
    "hint": "Make it smaller",
    "log": None,
    "report": None,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the stages' files, with a failure in it."""
    made = tmp_path / "run"
    made.mkdir()
    (made / "failure.json").write_text(json.dumps(FAILURE))
    (made / "config.sha512").write_text("ab" * 64)
    return made


@pytest.fixture
def machine_root(tmp_path: Path) -> Path:
    """What a machine shows of itself in /sys and /etc."""
    root = tmp_path / "root"
    for path, text in {
        "sys/class/dmi/id/product_uuid": "4C4C4544-0042\n",
        "sys/class/dmi/id/product_serial": "SN1\n",
        "sys/class/net/eth0/address": "52:54:00:00:00:01\n",
        "sys/class/net/lo/address": "00:00:00:00:00:00\n",
        "etc/os-release": 'NAME=x\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "etc/initrd-release": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "sys/class/net/eth0/device").mkdir()
    return root


MakeReport = Callable[..., Report]


@pytest.fixture
def make_report(folder: Path, machine_root: Path) -> MakeReport:
    def make(event: str = "failed", platform: str = "qemu", **changes: Any) -> Report:
        failure = {**FAILURE, **changes} if event == "failed" else None
        return report(event, platform, str(folder), failure, str(machine_root))

    return make


MakeDoor = Callable[..., Door]


@pytest.fixture
def make_door(machine_root: Path, log: MemoryLog) -> MakeDoor:
    def make(platform: str = "qemu", seconds: float = 60.0, **wanted: Any) -> Door:
        return Door(
            wanted=Wanted(**wanted), log=log, fetcher=Fetcher(log), direct=Fetcher(log), platform=platform,
            end=time.monotonic() + seconds, root=str(machine_root),
        )  # fmt: skip

    return make


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
