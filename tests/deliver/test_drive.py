"""`butane-py drive`: images that blkid, isoinfo, mtools and debugfs read; and, attached to a machine, tests/vm/test_platforms.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from butane_py.cli.main import main
from ignition_py.providers import cloudstack, drive, labelled
from ignition_py.rehearsal import drives
from ignition_py.rehearsal.drives import FILESYSTEMS, LAYOUTS

pytestmark = pytest.mark.subprocess

CONFIG = b'{"ignition": {"version": "3.4.0"}}'


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    path = tmp_path / "config.ign"
    path.write_bytes(CONFIG)
    return path


def run(*words: object) -> int:
    return main(["butane-py", "drive", *map(str, words)])


def read(image: Path, filesystem: str, path: str) -> bytes:
    """A file of an image, by a program that reads such images."""
    argv = {
        "iso9660": ["isoinfo", "-R", "-i", image, "-x", f"/{path}"],
        "vfat": ["mtype", "-i", image, f"::/{path}"],
        "ext4": ["debugfs", "-R", f"cat /{path}", image],
    }[filesystem]
    return subprocess.run(argv, check=True, capture_output=True).stdout


@pytest.mark.parametrize("filesystem", FILESYSTEMS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_drives(tmp_path: Path, config: Path, layout: str, filesystem: str) -> None:
    image = tmp_path / "drive.img"
    assert run(config, "--layout", layout, "--filesystem", filesystem, "-o", image) == 0
    row = LAYOUTS[layout]
    found = subprocess.run(["blkid", "-p", "-o", "export", image], check=True, capture_output=True, text=True).stdout
    values = dict(line.partition("=")[::2] for line in found.splitlines())
    assert values["TYPE"] == filesystem
    assert values["LABEL"] == (row.label.upper() if filesystem == "vfat" else row.label)
    assert read(image, filesystem, row.config) == CONFIG
    for path in row.others:
        assert read(image, filesystem, path).startswith(b"instance-id: ")


@pytest.mark.parametrize("filesystem", ["iso9660", "vfat"])
def test_the_same_bytes(tmp_path: Path, config: Path, filesystem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another umask, and times of the files that are others, change nothing; another SOURCE_DATE_EPOCH does."""
    made = []
    for number, epoch in enumerate(("0", "0", "1700000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        config.write_bytes(CONFIG)
        assert run(config, "--layout", "cidata", "--filesystem", filesystem, "-o", tmp_path / str(number)) == 0
        made.append((tmp_path / str(number)).read_bytes())
    assert made[0] == made[1]
    assert made[0] != made[2]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert run(config, "--layout", "cidata", "-o", tmp_path / "x") == 1
    assert not (tmp_path / "x").exists()


def test_layouts_are_what_providers_look_for() -> None:
    assert (LAYOUTS["config-2"].label, f"/{LAYOUTS['config-2'].config}") == (drive.CONFIG_2[0], drive.OPENSTACK)
    assert (LAYOUTS["cidata"].label, f"/{LAYOUTS['cidata'].config}") == (drive.CIDATA[0], drive.NOCLOUD)
    assert (LAYOUTS["cloudstack"].label, f"/{LAYOUTS['cloudstack'].config}") == (drive.CONFIG_2[0], cloudstack.PATH)
    assert (LAYOUTS["ignition"].label, f"/{LAYOUTS['ignition'].config}") == (labelled.LABELS[0], labelled.PATH)


def test_private_configs_make_private_images(tmp_path: Path, config: Path) -> None:
    assert run(config, "--layout", "ignition", "-o", tmp_path / "a") == 0
    assert (tmp_path / "a").stat().st_mode & 0o077
    config.chmod(0o600)
    assert run(config, "--layout", "ignition", "-o", tmp_path / "b") == 0
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_what_is_refused(tmp_path: Path, config: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.bu").write_text("variant: fcos\nversion: 1.5.0\n")
    assert run(tmp_path / "a.bu", "--layout", "ignition", "-o", tmp_path / "x") == 1
    assert "a.bu is not an Ignition config. Compile Butane first" in capfd.readouterr().err
    assert run(config, "--layout", "ignition", "-o", config) == 1
    assert config.read_bytes() == CONFIG
    assert run(config, "--layout", "none", "-o", tmp_path / "x") == 2
    monkeypatch.setattr(drives, "which", lambda _: "")
    assert run(config, "--layout", "ignition", "-o", tmp_path / "x") == 1
    assert "there is no xorriso or genisoimage on PATH; Debian has it in xorriso and genisoimage" in capfd.readouterr().err
    assert not (tmp_path / "x").exists()
