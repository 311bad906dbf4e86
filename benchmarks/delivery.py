"""Sizes of configs as they are delivered: as they are, packed as they are, and packed with their contents uncompressed.

    python benchmarks/delivery.py

REFERENCE_BUTANE names the reference; else `butane` on PATH is taken; else its columns stay empty. The configs are made of files that every
Debian with systemd has, so figures of two machines differ a little.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from butane_py.compilation import Options  # noqa: E402  # the tree above this file, not an installed one
from butane_py.deliver.ladder import Wish, wrapped  # noqa: E402
from butane_py.deliver.recipients import NOBODY  # noqa: E402
from butane_py.fleet.outcomes import HostBuilder, Subject  # noqa: E402
from butane_py.fleet.program import Program  # noqa: E402

REFERENCE = os.environ.get("REFERENCE_BUTANE") or shutil.which("butane") or ""
UNITS = Path("/usr/lib/systemd/system")
BAR = 0.56  # of the reference's size
ONE = "1 script"  # compressed by itself already: no bar
HEAD = "variant: fcos\nversion: 1.5.0\nstorage:\n  trees: [{local: ., path: /etc/example}]\n"


def copied(folder: Path, names: list[Path]) -> None:
    """Copies files, whatever folders they are in, to one folder."""
    for number, name in enumerate(names):
        (folder / f"{number:03}-{name.name}").write_bytes(name.read_bytes())


def services(count: int, largest: int) -> list[Path]:
    """Units of the system, the first ones by name that have text of at most `largest` bytes."""
    found = [path for path in sorted(UNITS.glob("*.service")) if path.is_file() and 300 < path.stat().st_size <= largest]
    return found[:count]


SETS = {
    "60 small files": lambda: services(60, 2_000),
    "12 small files": lambda: services(12, 2_000),
    "8 files of settings": lambda: sorted(Path("/etc/systemd").glob("*.conf")),
    ONE: lambda: [Path("/usr/bin/savelog")],
}


def forms(folder: Path) -> tuple[int, int, int]:
    """Bytes of the config of a folder: as it is, packed as it is, and as `--form wrapped` packs it."""
    program = Program("node.bu", HEAD.encode(), Options(str(folder)))
    sizes = []
    for form in ("plain", "wrapped"):
        outcome = HostBuilder({"": program}, None, [{}], wish=Wish(NOBODY, form=form))(Subject("", ""))
        assert outcome.delivery is not None
        sizes.append(outcome.delivery.user_data)
    return len(sizes[0]), len(wrapped(sizes[0])), len(sizes[1])


def of_reference(folder: Path) -> int:
    """Bytes of what the reference makes of the same."""
    return len(subprocess.run([REFERENCE, "--files-dir", str(folder)], input=HEAD.encode(), capture_output=True, check=True).stdout)


def main() -> int:
    print("| config | reference | as it is | packed as it is | `--form wrapped` | of the reference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    worst = 0.0
    for name, files in SETS.items():
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            copied(folder, files())
            size = sum(path.stat().st_size for path in folder.iterdir())
            plain, packed, best = forms(folder)
            theirs = of_reference(folder) if REFERENCE else plain
            worst = max(worst, best / theirs) if name != ONE else worst
            shown = f"{theirs:,}" if REFERENCE else "-"
            print(f"| {name}, {size / 1000:.1f} kB | {shown} | {plain:,} | {packed:,} | {best:,} | {best / theirs:.0%} |")
    print(f"\nbar: at most {BAR:.0%} for several files; the worst is {worst:.0%}")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
