"""The emergency path tells of failures that no stage has told of: the scripts, with programs in the place of systemctl and ignition."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ignition_py.initrd.stage import DRACUT_MODULE

pytestmark = pytest.mark.subprocess
SCRIPTS = Path(DRACUT_MODULE).parents[1] / "initramfs-tools/scripts/ignition"


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Programs that note what they are asked, and the environment of the stages."""
    program(tmp_path / "usr/bin/ignition", f'echo "$* $PLATFORM_ID $IGNITION_REPORT" >>{tmp_path}/told\nexit 1')
    program(tmp_path / "bin/systemctl", "[ $3 = ignition-network.service ]")
    program(tmp_path / "bin/journalctl", "echo its last words")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/ignition.env").write_text('PLATFORM_ID="metal"\nIGNITION_REPORT="platform http://a/"\n')
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/consoles").write_text("console -W- (EC p a)    4:64\n")
    (tmp_path / "dev").mkdir()
    return tmp_path


def told(machine: Path, script: str) -> str:
    for folder in ("/usr/bin/ignition", "/run/ignition", "/proc/consoles", "/dev/"):
        script = script.replace(folder, f"{machine}{folder}")
    subprocess.run(["sh", "-euc", script], check=True, env={"PATH": f"{machine}/bin:/usr/bin:/bin"})
    path = machine / "told"
    return path.read_text() if path.exists() else ""


def test_dracut(machine: Path) -> None:
    script = (Path(DRACUT_MODULE) / "ignition-failure.sh").read_text()
    assert told(machine, script) == "notify --event=failed --stage=network metal platform http://a/\n"
    assert "its last words" in (machine / "dev/console").read_text()


def test_nothing_has_failed(machine: Path) -> None:
    """Another emergency, of a later boot."""
    program(machine / "bin/systemctl", "false")
    script = (Path(DRACUT_MODULE) / "ignition-failure.sh").read_text()
    assert told(machine, script) == ""


@pytest.mark.parametrize("gone", ["usr/bin/ignition", "run/ignition.env"])
def test_an_initramfs_that_lacks_something(machine: Path, gone: str) -> None:
    (machine / gone).unlink()
    assert told(machine, (Path(DRACUT_MODULE) / "ignition-failure.sh").read_text()) == ""


def test_initramfs_tools(machine: Path) -> None:
    """panic is what opens the shell there: everything has been told by then."""
    script = (
        f"panic() {{ cat {machine}/told; exit 0; }}\n{SCRIPTS.read_text()}\nignition_give_up 'no interface came up'\n"
    )
    assert told(machine, script) == "notify --event=failed metal platform http://a/\n"
