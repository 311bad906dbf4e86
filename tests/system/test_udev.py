"""udev: an event that got lost is asked for once more; the links that its database has for a device."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ignition_py.system import udev
from ignition_py.system.run import CommandError
from tests.helpers.servers import MemoryLog

LOSES = """#!/bin/sh
echo "$@" >>%(folder)s/asked
test "$(wc -l <%(folder)s/asked)" -gt %(lost)d && exit 0
exec sleep 60
"""


@pytest.mark.subprocess
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_event_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost: int) -> None:
    """udevadm waits for an event that will not come: a real udevd loses one too seldom for a test."""
    (tmp_path / "udevadm").write_text(LOSES % {"folder": tmp_path, "lost": lost})
    (tmp_path / "udevadm").chmod(0o755)
    (tmp_path / "control").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(udev, "CONTROL", str(tmp_path / "control"))
    monkeypatch.setattr(udev, "SETTLE_TIMEOUT", 0.2 if lost == 2 else 6.0 if lost else 240.0)
    log = MemoryLog()
    if lost == 2:
        with pytest.raises(CommandError, match="waiting for udev to handle /dev/null: udevadm did not finish"):
            udev.settle_devices(log, "/dev/null")
    else:
        udev.settle_devices(log, "/dev/null")
        assert (tmp_path / "asked").read_text() == "trigger --settle /dev/null\n" * (lost + 1)


def test_links_of_a_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(udev, "DATABASE", str(tmp_path))
    info = os.stat("/dev/null").st_rdev
    assert udev.links("/dev/null") == udev.links("/no/such/node") == []
    (tmp_path / f"b{os.major(info)}:{os.minor(info)}").write_text("S:disk/by-id/x\nE:A=S:b\nS:disk/azure/root\nI:1\n")
    assert udev.links("/dev/null") == ["/dev/disk/azure/root", "/dev/disk/by-id/x"]
