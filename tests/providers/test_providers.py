"""Platforms that need no network: file, qemu, and the kernel command line with a local filesystem; and the table."""

from __future__ import annotations

import importlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ignition_py.fetch import deadline
from ignition_py.fetch.fetcher import Fetcher, NeedNetwork
from ignition_py.providers import PLATFORMS, Machine, cmdline, file, load, metal, nvidiabluefield, qemu
from ignition_py.report.diag import FetchError, IgnitionError
from tests.helpers.servers import MemoryLog, Server, body, in_turn

CONFIG = b'{"ignition": {"version": "3.4.0"}}'


@pytest.fixture
def machine(tmp_path: Path, log: MemoryLog, fetcher: Fetcher) -> Machine:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("BOOT_IMAGE=/vmlinuz quiet\n")
    return Machine(log=log, fetcher=fetcher, environ={}, root=str(tmp_path))


def test_the_table_knows_every_name() -> None:
    assert len(PLATFORMS) == 31
    assert list(PLATFORMS) == sorted(PLATFORMS)


@pytest.mark.parametrize("name", sorted(PLATFORMS))
def test_every_platform_has_a_module(name: str) -> None:
    assert load(name) is importlib.import_module(f"ignition_py.providers.{PLATFORMS[name]}").fetch


def test_file(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IgnitionError, match=r"reading the config config\.ign: No such file"):
        file.fetch(machine)
    (tmp_path / "config.ign").write_bytes(CONFIG)
    assert file.fetch(machine) == CONFIG
    (tmp_path / "other").write_bytes(b"other")
    machine.environ = {"IGNITION_CONFIG_FILE": str(tmp_path / "other")}
    assert file.fetch(machine) == b"other"


def test_metal_has_nothing(machine: Machine) -> None:
    assert metal.fetch(machine) == b""


def firmware(root: Path, data: bytes, size: int | None = None) -> None:
    folder = root / f"{qemu.FW_CFG}/by_name/{qemu.KEY}".lstrip("/")
    folder.mkdir(parents=True)
    (folder / "raw").write_bytes(data)
    (folder / "size").write_text(f"{len(data) if size is None else size}\n")


@pytest.mark.parametrize("size", [1, 4096, 300_000])
def test_qemu_firmware(machine: Machine, tmp_path: Path, size: int) -> None:
    firmware(tmp_path, CONFIG * size)
    assert qemu.from_firmware(machine) == CONFIG * size


def test_qemu_firmware_without_a_config(machine: Machine, tmp_path: Path, log: MemoryLog) -> None:
    (tmp_path / "sys/firmware/qemu_fw_cfg").mkdir(parents=True)
    assert qemu.from_firmware(machine) == b""
    assert "has no config" in log.text


@pytest.mark.parametrize(("size", "words"), [(10, "longer than the 10 bytes"), (1000, "ended after 34 of 1000 bytes")])
def test_qemu_firmware_of_another_size(machine: Machine, tmp_path: Path, size: int, words: str) -> None:
    firmware(tmp_path, CONFIG, size)
    with pytest.raises(IgnitionError, match=words):
        qemu.from_firmware(machine)


@pytest.fixture
def fake_modprobe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A modprobe that notes what it is asked; this machine's kernel cannot load modules."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "modprobe"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/loaded\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "loaded"


@pytest.mark.subprocess
def test_qemu_loads_the_module_where_it_is_missing(machine: Machine, tmp_path: Path, fake_modprobe: Path) -> None:
    assert qemu.from_firmware(machine) == b""
    assert fake_modprobe.read_text() == "qemu_fw_cfg\n"
    firmware(tmp_path, CONFIG)
    qemu.from_firmware(machine)
    assert fake_modprobe.read_text() == "qemu_fw_cfg\n"


@pytest.mark.subprocess
def test_qemu_disk(machine: Machine, tmp_path: Path, fake_modprobe: Path) -> None:
    with pytest.raises(IgnitionError, match=r"virtio-ignition with the config did not appear within 0\.1 seconds"):
        qemu.from_disk(machine, wait=0.1)
    assert fake_modprobe.read_text() == "virtio_blk\n"
    disk = tmp_path / qemu.DISK.lstrip("/")
    disk.parent.mkdir(parents=True)
    disk.write_bytes(CONFIG.ljust(512, b"\0"))
    assert qemu.from_disk(machine) == CONFIG


def command_line(machine: Machine, text: str) -> None:
    Path(machine.path("/proc/cmdline")).write_text(text)


def test_cmdline_that_names_nothing(machine: Machine) -> None:
    assert cmdline.fetch(machine) is None
    command_line(machine, "ignition.config.url= ignition.config.device ignition.config.path=\n")
    assert cmdline.fetch(machine) is None


def test_cmdline_override(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("ignition.config.url=data:,x")
    machine.environ = {"IGNITION_KERNEL_CMDLINE_PATH": str(tmp_path / "other")}
    assert cmdline.fetch(machine) == b"x"


def test_cmdline_halves(machine: Machine) -> None:
    for half in ("device", "path"):
        command_line(machine, f"ignition.config.{half}=x")
        with pytest.raises(IgnitionError, match=rf"has ignition\.config\.{half} alone"):
            cmdline.fetch(machine)


def test_cmdline_needs_the_network(machine: Machine) -> None:
    command_line(machine, "ignition.config.url=http://10.0.0.1/c.ign")
    machine.fetcher.offline = True
    with pytest.raises(NeedNetwork):
        cmdline.fetch(machine)


@pytest.mark.sockets
def test_cmdline_url(machine: Machine, server: Server, monkeypatch: pytest.MonkeyPatch, log: MemoryLog) -> None:
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)
    server.at["/c.ign"] = in_turn(body(b"", status=503), body(CONFIG))
    command_line(machine, f"a ignition.config.url={server.url('/c.ign')} ignition.config.device=x b\n")
    assert cmdline.fetch(machine) == CONFIG
    assert "count for nothing" in log.text


@pytest.mark.sockets
def test_cmdline_url_that_is_not_there(machine: Machine, server: Server) -> None:
    command_line(machine, f"ignition.config.url={server.url('/c.ign?key=s3cr3t')}")
    with pytest.raises(FetchError, match=r"the config of ignition\.config\.url: .* does not exist") as caught:
        cmdline.fetch(machine)
    assert "s3cr3t" not in str(caught.value)


@pytest.fixture
def labelled(machine: Machine, tmp_path: Path) -> Iterator[Machine]:
    """A machine with an ext4 filesystem labelled CONFIG on a loop device."""
    content = tmp_path / "content"
    (content / "sub").mkdir(parents=True)
    (content / "sub/c.ign").write_bytes(CONFIG)
    (content / "outside").symlink_to("/etc/passwd")
    image = tmp_path / "image"
    subprocess.run(["truncate", "-s", "8M", str(image)], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-L", "CONFIG", "-d", str(content), str(image)], check=True)
    found = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, capture_output=True, text=True)
    device = found.stdout.strip()
    link = tmp_path / cmdline.BY_LABEL.lstrip("/") / "CONFIG"
    link.parent.mkdir(parents=True)
    link.symlink_to(device)
    yield machine
    subprocess.run(["losetup", "--detach", device], check=True)


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("path", ["/sub/c.ign", "sub/c.ign", "//sub/../sub/c.ign"])
def test_cmdline_device(labelled: Machine, path: str) -> None:
    command_line(labelled, f"ignition.config.device=CONFIG ignition.config.path={path}")
    assert cmdline.fetch(labelled) == CONFIG
    assert "ignition-config-" not in Path("/proc/mounts").read_text()


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("path", "words"),
    [("/nothing", "reading /nothing on the filesystem CONFIG: No such file"), ("/outside", "is a link to a file that is not on it")],
)
def test_cmdline_device_without_the_file(labelled: Machine, path: str, words: str) -> None:
    command_line(labelled, f"ignition.config.device=CONFIG ignition.config.path={path}")
    with pytest.raises(IgnitionError, match=words):
        cmdline.fetch(labelled)
    assert "ignition-config-" not in Path("/proc/mounts").read_text()


@pytest.mark.parametrize("label", ["../x", "a/b", ".."])
def test_cmdline_device_that_is_no_label(machine: Machine, label: str) -> None:
    command_line(machine, f"ignition.config.device={label} ignition.config.path=/x")
    with pytest.raises(IgnitionError, match="is not a filesystem label"):
        cmdline.fetch(machine)


def test_cmdline_device_that_never_comes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cmdline, "DEVICE_WAIT", 0.1)
    command_line(machine, "ignition.config.device=NONE ignition.config.path=/x")
    with pytest.raises(IgnitionError, match=r"no filesystem with the label NONE appeared within 0\.1 seconds"):
        cmdline.fetch(machine)


@pytest.mark.parametrize("platform", ["file", "qemu", "nvidiabluefield"])
def test_a_device_without_end_is_refused(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """A disk, a FIFO or a file that never ends must not take all of the memory."""
    monkeypatch.setattr("ignition_py.providers.CONFIG_LIMIT", 5 << 20)
    monkeypatch.setattr("ignition_py.providers.qemu.run", lambda *_, **__: None)
    monkeypatch.setattr(nvidiabluefield, "run", lambda *_, **__: None)
    paths = {"file": tmp_path / "c.ign", "qemu": tmp_path / qemu.DISK[1:], "nvidiabluefield": tmp_path / nvidiabluefield.FIFO[1:]}
    paths[platform].parent.mkdir(parents=True, exist_ok=True)
    paths[platform].symlink_to("/dev/zero")
    machine.environ = {"IGNITION_CONFIG_FILE": str(paths["file"])}
    fetch = qemu.from_disk if platform == "qemu" else load(platform)
    with pytest.raises(IgnitionError, match="it holds more than 5 MiB; name a config of that size by a URL"):
        fetch(machine)


def test_a_firmware_key_that_announces_too_much_is_not_read(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / f"{qemu.FW_CFG[1:]}/by_name/{qemu.KEY}"
    folder.mkdir(parents=True)
    (folder / "size").write_text(str(1 << 40))
    (folder / "raw").symlink_to("/dev/zero")
    with pytest.raises(IgnitionError, match=f"announces {1 << 40} bytes; more than"):
        qemu.from_firmware(machine)
