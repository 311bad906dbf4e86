"""system/output.py: the cause of a failure is among the lines that are shown, wherever a program prints it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ignition_py.system.output import cause, excerpt

SMALL, LARGE = 10 << 20, 400 << 20

# Command line (SMALL and LARGE are files of that size) -> words of the only lines that are shown.
REAL = {
    "mkfs.xfs SMALL": ["too small"],
    "mkfs.xfs -n ftype=9 LARGE": ["Invalid value 9 for -n ftype option"],
    "mkfs.xfs -L waytoolonglabelhere LARGE": ["Invalid value waytoolonglabelhere for -L option"],
    "mkfs.ext4 -F -O nonsense LARGE": ["mke2fs", "Invalid filesystem option set: nonsense"],
    "mkfs.ext4 --foo LARGE": ["invalid option"],
    "mkfs.btrfs SMALL": ["is too small to make a usable filesystem", "minimum size"],
    "mkfs.btrfs --nope LARGE": ["unrecognized option '--nope'"],
    "mkfs.vfat -F 99 LARGE": ["mkfs.fat", "Bad FAT type : 99"],
    "mkfs.vfat --nope LARGE": ["unrecognized option '--nope'"],
    "mkswap --nope LARGE": ["unrecognized option '--nope'", "Try "],
    "mdadm --create /dev/md/none --level=1 --raid-devices=2 --run SMALL LARGE": ["is not a block device"],
    "mdadm --create /dev/md/none --nope": ["unrecognized option '--nope'"],
    "cryptsetup luksFormat --batch-mode --nope LARGE": ["--nope: unknown option"],
    "cryptsetup luksOpen LARGE none --key-file /dev/null": ["is not a valid LUKS device"],
    "sfdisk --nope LARGE": ["unrecognized option '--nope'", "Try "],
}
FOR_ROOT = ("mdadm --create /dev/md/none --level=1 --raid-devices=2 --run SMALL LARGE",)  # it asks who starts it first


@pytest.mark.subprocess
@pytest.mark.parametrize("command", [pytest.param(each, marks=pytest.mark.root) if each in FOR_ROOT else each for each in REAL])
def test_real_programs(tmp_path: Path, command: str) -> None:
    for name, size in (("SMALL", SMALL), ("LARGE", LARGE)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    argv = command.split()
    program = shutil.which(argv[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run(
        [program, *argv[1:]], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.returncode != 0
    lines = cause([done.stderr, done.stdout], argv[0], 8)
    assert len(lines) == len(REAL[command]), lines
    for line, words in zip(lines, REAL[command], strict=True):
        assert words in line


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", []), ("a\n\n b \n", ["a", "b"]), ("1\n2\n3\n4", ["1", "2", "3", "4"]), ("1\n2\n3\n4\n5", ["1", "2", "[2 lines left out]", "5"])],
)
def test_excerpts(text: str, lines: list[str]) -> None:
    assert excerpt(text, 4) == lines
    assert cause([text], "mkfs", 4) == lines


def numbered(count: int, **others: str) -> str:
    return "\n".join(others.get(f"at{number}", f"step {number}") for number in range(1, count + 1))


def test_an_error_in_the_middle_takes_the_place_of_other_lines() -> None:
    lines = cause([numbered(50, at20="Error: the disk is gone", at21="cannot go on")], "mkfs", 8)
    assert lines == ["step 1", "step 2", "[44 lines left out]", "Error: the disk is gone", "cannot go on", "step 49", "step 50"]


def test_many_errors_are_bounded() -> None:
    lines = cause(["\n".join(f"error {number}" for number in range(100))], "mkfs", 8)
    assert len(lines) == 8
    assert lines[:4] == ["error 0", "error 1", "[93 lines left out]", "error 2"]
    assert lines[-1] == "error 99"


def test_very_long_lines_are_cut() -> None:
    assert len(cause(["x" * 5_000_000], "mkfs", 8)[0]) == 2000


@pytest.mark.parametrize(
    ("outputs", "lines"),
    [
        (["", "out"], ["out"]),
        (["err", "out"], ["err"]),
        (["Usage: x\n  -a  all", "the cause"], ["the cause"]),
        (["USAGE: x\n  -a  all", ""], ["USAGE: x", "-a  all"]),
        (["usage: x\n  -a  all\nx: no such option\nmore"], ["x: no such option"]),
        (["cause\nUsage: x\n  -e  error"], ["cause"]),
        (["Usage: x\nerror: none given"], ["error: none given"]),
        (["the usage: of it\nmore"], ["the usage: of it", "more"]),
        (["", ""], []),
    ],
)
def test_usage_texts_are_dropped(outputs: list[str], lines: list[str]) -> None:
    assert cause(outputs, "/usr/sbin/x", 8) == lines
