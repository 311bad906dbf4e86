"""Draws the disks of docs/disks.md: `python tools/drawings.py`. With --check: says whether the drawings are in step.

Each docs/drawings/NAME.bu is planned by `ignition-py plan --format svg` on disk images made here, and becomes NAME.svg. Needs
mkfs.ext4 and blkid.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE))

from ignition_py.stages.disks.partitions import gpt  # noqa: E402

FOLDER = TREE / "docs" / "drawings"
MIB = 1024 * 1024
SECTORS = 10 * 1024 * 2048  # 10 GiB
GUID = "{:08X}-2222-4333-8444-555555555555"

# Number, label, start and size in MiB, label of an ext4 in it.
OLD = ((1, "boot", 1, 1024, "BOOT"), (2, "root", 1025, 5120, "ROOT"), (3, "data", 6145, 4094, "DATA"))


def draw(name: str) -> str:
    """The SVG of docs/drawings/NAME.bu."""
    with tempfile.TemporaryDirectory() as folder:
        disk = f"{folder}/disk"
        blank(disk)
        more = ["--disk", "vdb=10G"] if name == "resume" else []
        if name == "resume":
            cut_off(disk, f"{name}.bu")
        elif name != "first":
            old_disk(disk)
        return planned(f"{name}.bu", ["--disk", f"vda={disk}", *more])


def blank(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(SECTORS * 512)


def old_disk(path: str) -> None:
    table = gpt.fresh(512, SECTORS, GUID.format(0))
    entries = {
        number: gpt.Entry(start * 2048, (start + size) * 2048 - 1, GUID.format(number), raw_name=gpt.encode_name(label))
        for number, label, start, size, _ in OLD
    }
    write(path, table.but(entries=entries))
    for _, _, start, size, label in OLD:
        make_ext4(path, start, size, label)


def cut_off(path: str, config: str) -> None:
    """What a first run had done when the power went: the table, and the first filesystem."""
    from ignition_py.programs.plan_images import image_state
    from ignition_py.programs.render import Fetching, rendered
    from ignition_py.stages.disks.identity import Identity
    from ignition_py.stages.disks.partitions.plan import plan_disk
    from ignition_py.system.log import Log

    with contextlib.redirect_stderr(io.StringIO()):
        disk = rendered(str(FOLDER / config), Fetching()).storage.disks[0]
    state = image_state(Log(to_stdout=True, threshold=-1), disk.device, path, 512)
    plan = plan_disk(disk, state, Identity(disk, state.sectors))
    assert plan.after is not None and not plan.conflicts
    write(path, plan.after)
    make_ext4(path, 1, 6144, "ROOT")


def write(path: str, table: gpt.Table) -> None:
    with open(path, "r+b") as file:
        for part in gpt.encode(table, SECTORS, b""):
            file.seek(part.lba * 512)
            file.write(part.data)


def make_ext4(path: str, start: int, size: int, label: str) -> None:
    options = ["-q", "-F", "-L", label, "-U", GUID.format(start).lower(), "-E", f"offset={start * MIB},lazy_itable_init=1,nodiscard"]
    subprocess.run(["mkfs.ext4", *options, path, f"{size}M"], check=True, capture_output=True)


def planned(config: str, argv: list[str]) -> str:
    """What the command writes to standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "ignition_py", "plan", config, *argv, "--format", "svg"],
        cwd=FOLDER, env={**os.environ, "PYTHONPATH": str(TREE)}, capture_output=True, text=True, check=False,
    )
    if not done.stdout:
        raise SystemExit(f"{config}: {done.stderr}")
    return done.stdout


def main(argv: list[str]) -> int:
    names = sorted(path.stem for path in FOLDER.glob("*.bu"))
    stale = []
    for name in names:
        text, path = draw(name), FOLDER / f"{name}.svg"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if argv != ["--check"]:
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{'out of step' if argv == ['--check'] else 'written'}: {path.relative_to(TREE)}")
    return 1 if stale and argv == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
