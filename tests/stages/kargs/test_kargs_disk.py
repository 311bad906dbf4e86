"""builtin.py on real filesystems (ext4 on loop devices): entries, stamp, errors; and the stage around it."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ignition_py.context import Context
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.spec.read import read
from ignition_py.stages import kargs
from ignition_py.stages.kargs import bootfs, builtin
from ignition_py.stages.kargs.bootfs import Place
from ignition_py.stages.kargs.entries import Change
from ignition_py.state import State
from ignition_py.system import host
from tests.helpers.servers import MemoryLog

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

FIRST = "title One\nlinux /vmlinuz\noptions root=LABEL=root rw quiet\n"
SECOND = "title Two\nlinux /vmlinuz-old\noptions root=LABEL=root rw\n"
OTHER = "title Memory test\nefi /memtest\n"


class Disk:
    """An ext4 filesystem on a loop device; `with disk.mounted() as path` looks inside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "disk.img"
        with self.image.open("wb") as file:
            file.truncate(16 << 20)
        run("mkfs.ext4", "-q", "-L", "boot", str(self.image))
        self.node = run("losetup", "--find", "--show", str(self.image)).strip()
        self.place = Place("the boot filesystem", self.node)
        self.log = MemoryLog()

    def fill(self, entries: dict[str, str], folder: str = "loader/entries") -> None:
        with self.mounted() as path:
            where = Path(path) / folder
            where.mkdir(parents=True, exist_ok=True)
            for name, text in entries.items():
                (where / name).write_text(text)
                (where / name).chmod(0o640)

    def mounted(self) -> bootfs.Mounted:
        return bootfs.Mounted(self.log, self.place, at=str(self.folder / "mnt"))

    def files(self, folder: str = "loader/entries") -> dict[str, str]:
        with self.mounted() as path:
            return {file.name: file.read_text() for file in (Path(path) / folder).iterdir()}

    def change(self, wanted: list[str], unwanted: list[str], line: str) -> bool:
        return builtin.change_at(self.log, self.place, Change(wanted, unwanted), line)


def run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk(tmp_path)
    monkeypatch.setattr(bootfs.Mounted.__init__, "__kwdefaults__", {"at": str(tmp_path / "stage")})
    yield made
    run("losetup", "--detach", made.node)


def test_changes_once_then_is_content(disk: Disk) -> None:
    disk.fill({"one.conf": FIRST, "two.conf": SECOND, "memtest.conf": OTHER, "notes.txt": "quiet"})
    assert disk.change(["a=1"], ["quiet"], "root=LABEL=root rw quiet")
    found = disk.files()
    stamp = found.pop(".ignition-kargs.json")
    assert "arguments" in stamp
    assert found == {
        "one.conf": FIRST.replace("quiet", "a=1"),
        "two.conf": SECOND.replace("rw", "rw a=1"),
        "memtest.conf": OTHER,
        "notes.txt": "quiet",
    }
    with disk.mounted() as path:
        assert stat.S_IMODE((Path(path) / "loader/entries/one.conf").stat().st_mode) == 0o640
    assert not disk.change(["a=1"], ["quiet"], "root=LABEL=root rw a=1")
    assert ".ignition-kargs.json" not in disk.files()
    assert not os.path.ismount(disk.folder / "stage")


def test_a_symlinked_folder_as_ostree_has(disk: Disk) -> None:
    disk.fill({"one.conf": FIRST}, "loader.0/entries")
    with disk.mounted() as path:
        (Path(path) / "loader").symlink_to("loader.0")
    assert disk.change(["a"], [], "")
    assert disk.files("loader.0/entries")["one.conf"] == FIRST.replace("quiet", "quiet a")


def test_below_boot_of_a_root_filesystem(disk: Disk) -> None:
    disk.fill({"one.conf": FIRST}, "boot/loader/entries")
    assert disk.change(["a"], [], "")
    assert disk.files("boot/loader/entries")["one.conf"] == FIRST.replace("quiet", "quiet a")


def test_a_loader_that_does_not_read_the_entries_is_no_reboot(disk: Disk) -> None:
    disk.fill({"one.conf": FIRST})
    assert disk.change(["a=1"], [], "root=LABEL=root")
    with pytest.raises(StageError, match="this boot's command line is not: a=1 is missing"):
        disk.change(["a=1"], [], "root=LABEL=root")


def test_entries_that_are_put_back_are_no_reboot_loop(disk: Disk) -> None:
    disk.fill({"one.conf": FIRST})
    assert disk.change(["a=1"], [], "")
    disk.fill({"one.conf": FIRST})
    with pytest.raises(StageError, match="now they are as before"):
        disk.change(["a=1"], [], "")
    assert disk.files()["one.conf"] == FIRST
    assert disk.change(["b=1"], [], "")  # other arguments are another matter


def test_links_out_of_the_filesystem_stay_inside(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path / "outside.conf"
    outside.write_text(FIRST)
    disk.fill({"one.conf": FIRST})
    with disk.mounted() as path:
        (Path(path) / "loader/entries/evil.conf").symlink_to(f"/../../../../../../../..{outside}")
    assert disk.change(["a"], [], "")
    assert outside.read_text() == FIRST


def test_no_entries(disk: Disk) -> None:
    disk.fill({"memtest.conf": OTHER})
    with pytest.raises(builtin.NoEntriesError):
        disk.change(["a"], [], "")


def test_a_full_filesystem_keeps_the_old_entry(disk: Disk) -> None:
    disk.fill({"one.conf": FIRST})
    with disk.mounted() as path, (Path(path) / "ballast").open("wb") as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
            file.flush()
    with pytest.raises(StageError, match="No space left"):
        disk.change(["x" * 9000], [], "")
    assert disk.files()["one.conf"] == FIRST


# The stage


def context(log: MemoryLog) -> Context:
    text = '{"ignition": {"version": "3.3.0"}, "kernelArguments": {"shouldExist": ["a=1"]}}'
    config, _ = read(text.encode())
    assert config is not None
    return Context(config=config, root="/", log=log, state=State(), fetcher=Fetcher(log))


@pytest.fixture
def stage(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The stage in an initramfs whose udev knows the disk, whose `systemctl` only notes what it is asked for."""
    (tmp_path / "bin").mkdir()
    systemctl = tmp_path / "bin/systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(host, "INITRAMFS", str(disk.image))
    monkeypatch.setattr(host, "COMMAND_LINE", str(tmp_path / "cmdline"))
    (tmp_path / "cmdline").write_text("root=LABEL=root rw quiet\n")
    known = bootfs.Device(disk.node, "loop", {"ID_FS_TYPE": "ext4", "ID_FS_LABEL": "boot"})
    monkeypatch.setattr(bootfs, "scan", lambda: [known])
    monkeypatch.setattr(builtin, "_REBOOT_PATIENCE", 0.0)
    return disk


def test_stage_reboots_once(stage: Disk, tmp_path: Path) -> None:
    stage.fill({"one.conf": FIRST})
    with pytest.raises(StageError, match="was still up"):
        kargs.run(context(stage.log))
    assert (tmp_path / "asked").read_text() == "reboot --force\n"
    (tmp_path / "cmdline").write_text("root=LABEL=root rw quiet a=1\n")
    kargs.run(context(stage.log))
    assert (tmp_path / "asked").read_text() == "reboot --force\n"


def test_stage_without_entries(stage: Disk, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=f"there are none on the boot filesystem {stage.node}") as failure:
        kargs.run(context(stage.log))
    assert "ignition-kargs-helper" in failure.value.hint
    assert not (tmp_path / "asked").exists()


def test_the_helper_of_the_image_comes_first(stage: Disk, tmp_path: Path) -> None:
    stage.fill({"one.conf": FIRST})
    helper = tmp_path / "bin/ignition-kargs-helper"
    helper.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/helped\n')
    helper.chmod(0o755)
    kargs.run(context(stage.log))
    assert (tmp_path / "helped").read_text() == "--should-exist a=1\n"
    assert stage.files() == {"one.conf": FIRST}


def test_not_on_a_running_machine(stage: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.fill({"one.conf": FIRST})
    monkeypatch.setattr(host, "INITRAMFS", "/nonexistent")
    with pytest.raises(IgnitionError, match="in an initramfs only"):
        kargs.run(context(stage.log))
    assert stage.files() == {"one.conf": FIRST}
