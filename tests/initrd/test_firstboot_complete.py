"""ignition-firstboot-complete.service: its commands, run in a mount namespace whose /boot is the test's."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

import ignition_py.initrd

UNIT = Path(ignition_py.initrd.__file__).parent / "firstboot" / "ignition-firstboot-complete.service"


def commands() -> list[list[str]]:
    lines = UNIT.read_text().splitlines()
    return [shlex.split(line.removeprefix("ExecStart=")) for line in lines if line.startswith("ExecStart=")]


def complete(*before: str, read_only: bool = False) -> str:
    """What is in /boot afterwards."""
    script = "mount -t tmpfs tmpfs /boot; cd /boot; mkdir -p flatcar kept; touch kept/file\n"
    script += "".join(f"mkdir -p {shlex.quote(str(Path(path).parent))}; : >{shlex.quote(path)}\n" for path in before)
    script += "cd /\n" + ("mount -o remount,ro /boot\n" if read_only else "")
    script += "".join(f"{shlex.join(command)} || exit\n" for command in commands())
    script += "cd /boot; find . -type f | sort\n"
    return subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], []),
        (["ignition.firstboot", "ignition.attempt", ".ignition-failure.json"], []),
        (["flatcar/first_boot"], []),
        (["coreos/first_boot"], []),
        (["writable/other"], ["./writable/firstboot_happened", "./writable/other"]),
    ],
)
def test_what_asks_for_a_first_boot_is_taken_back(before: list[str], after: list[str], read_only: bool) -> None:
    assert complete(*before, read_only=read_only).splitlines() == ["./kept/file", *after]


def test_every_way_of_asking_starts_it() -> None:
    """The words that the generator knows are the unit's conditions."""
    generator = (UNIT.parent.parent / "dracut" / "30ignition" / "ignition-generator").read_text()
    words = [line.partition("=|")[2] for line in UNIT.read_text().splitlines() if line.startswith("ConditionKernelCommandLine=|")]
    assert words == [
        "ignition.firstboot", "flatcar.first_boot", "coreos.first_boot", "systemd.condition-first-boot", "systemd.condition_first_boot",
    ]  # fmt: skip
    for word in words:
        assert word in generator.replace("[-_]", word[len("systemd.condition")] if word.startswith("systemd") else "-"), word
