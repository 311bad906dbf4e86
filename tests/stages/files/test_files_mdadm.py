"""mdadm.conf: what stands in it, where it is; and what mdadm itself reads in it, where the kernel has md (in the VM)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stages.files.files_machine import Machine

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

RAID = {"name": "data", "level": "raid1", "devices": ["/dev/a", "/dev/b"]}
LINE = "ARRAY /dev/md/data metadata=1.2 name=any:data UUID=0cf23f2b:5d3a2c1e:0a1b2c3d:4e5f6a7b\n"
SAYS = "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_METADATA=1.2\nMD_UUID=0cf23f2b:5d3a2c1e:0a1b2c3d:4e5f6a7b\nMD_NAME=any:data\n"


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an mdadm answers: this kernel may have no md."""
    (tmp_path / "mdadm").write_text(f'#!/bin/sh\n[ "$*" = "--detail --export /dev/md/data" ] && cat {tmp_path}/says\n')
    (tmp_path / "mdadm").chmod(0o755)
    (tmp_path / "says").write_text(SAYS)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "says"


@pytest.mark.parametrize("debian", [False, True])
def test_where_it_is_and_once(machine: Machine, says: Path, debian: bool) -> None:
    path = "/etc/mdadm/mdadm.conf" if debian else "/etc/mdadm.conf"
    if debian:
        machine.write(path, "HOMEHOST <system>\n", 0o640)
    for _ in range(2):
        machine.run(storage={"raid": [RAID]})
        assert machine.read(path) == ("HOMEHOST <system>\n" if debian else "") + LINE
        assert machine.mode(path) == (0o640 if debian else 0o644)


def test_a_config_that_writes_it_itself(machine: Machine, says: Path) -> None:
    machine.run(storage={"raid": [RAID], "files": [{"path": "/etc/mdadm.conf", "contents": {"source": "data:,mine"}}]})
    assert machine.read("/etc/mdadm.conf") == "mine"


@pytest.mark.parametrize("text", ["", "MD_NAME=any:data\n", "MD_UUID=1\nMD_NAME=any:a b\n", "MD_UUID=1\nMD_METADATA=1.2 program=/x\n"])
def test_what_cannot_stand_in_it(machine: Machine, says: Path, text: str) -> None:
    says.write_text(text)
    machine.run(storage={"raid": [RAID]})
    assert not os.path.exists(machine.path("/etc/mdadm.conf"))
    assert "data gets no line in mdadm.conf" in machine.log.text


def test_an_array_that_is_not_there(machine: Machine, says: Path) -> None:
    machine.run(storage={"raid": [{**RAID, "name": "other"}]})
    assert not os.path.exists(machine.path("/etc/mdadm.conf"))
    assert "it gets no line in mdadm.conf" in machine.log.text


@pytest.fixture
def array(tmp_path: Path) -> Iterator[str]:
    if not os.path.exists("/proc/mdstat") and subprocess.run(["modprobe", "md_mod"], check=False).returncode != 0:
        pytest.skip("this kernel has no md: the VM's has")
    loops = []
    for name in "ab":
        with (tmp_path / name).open("wb") as file:
            file.truncate(32 << 20)
        done = subprocess.run(["losetup", "--find", "--show", tmp_path / name], capture_output=True, text=True, check=True)
        loops.append(done.stdout.strip())
    create = ["mdadm", "--create", "data", "--run", "--homehost", "any", "--level", "raid1", "--raid-devices", "2", *loops]
    subprocess.run(create, check=True, capture_output=True)
    subprocess.run(["udevadm", "settle"], check=True)
    yield "/dev/md/data"
    subprocess.run(["mdadm", "--stop", "--scan"], check=False)
    subprocess.run(["losetup", "--detach", *loops], check=False)


def test_mdadm_finds_the_array_by_it(machine: Machine, array: str) -> None:
    machine.run(storage={"raid": [RAID]})
    node = os.path.realpath(array)
    subprocess.run(["mdadm", "--stop", array], check=True, capture_output=True)
    assemble = ["mdadm", "--assemble", array, "--config", machine.path("/etc/mdadm.conf")]
    done = subprocess.run(assemble, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + machine.read("/etc/mdadm.conf") + node
