"""Writes the tables that units and quadlets are held against: butane_py/linter/data/systemd.json and podman.json.

    python tools/systemd_table.py systemd [--root DIR]      sections, directives and units of the systemd in DIR (default: /)
    python tools/systemd_table.py podman FILE VERSION       sections and keys of quadlets, from podman-systemd.unit.5.md

systemd prints every section and directive itself (`systemd --dump-configuration-items`); DIR is a tree that Debian's package
was unpacked to with the libraries that it needs, and is entered with chroot. Podman's come from the tables of its manual page.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).parents[1] / "butane_py" / "linter" / "data"
UNIT_KINDS = ("service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice")


def systemd(root: str) -> dict[str, object]:
    """Version, directives by section and names of units of the systemd below `root`."""
    enter = ["chroot", root] if root != "/" else []
    program = "/usr/lib/systemd/systemd"
    version = _output([*enter, program, "--version"]).splitlines()[0].removeprefix("systemd ")
    sections: dict[str, list[str]] = {}
    for line in _output([*enter, program, "--dump-configuration-items"]).splitlines():
        if line.startswith("["):
            names = sections.setdefault(line.strip("[]"), [])
        elif "=" in line:
            names.append(line.partition("=")[0])
    folder = Path(root) / "usr/lib/systemd/system"
    units = [path.name for path in folder.iterdir() if path.suffix[1:] in UNIT_KINDS]
    return {
        "version": version,
        "sections": {name: sorted(set(known)) for name, known in sections.items()},
        "units": sorted(units),
    }


def podman(page: str, version: str) -> dict[str, object]:
    """Keys by section of the manual page's tables."""
    sections: dict[str, list[str]] = {}
    for section, key in re.findall(r"^\| \*\*\[(\w+)\] options|^\| (\w+)=", page, re.MULTILINE):
        if section:
            keys = sections.setdefault(section, [])
        else:
            keys.append(key)
    return {"version": version, "sections": {name: sorted(set(known)) for name, known in sections.items()}}


def _output(words: list[str]) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def main(argv: list[str]) -> int:
    """Writes one of the two tables. Returns 2 for wrong usage."""
    if argv[:1] == ["systemd"] and len(argv) in (1, 3):
        name, table = "systemd", systemd(argv[2] if len(argv) == 3 else "/")
    elif argv[:1] == ["podman"] and len(argv) == 3:
        name, table = "podman", podman(Path(argv[1]).read_text(encoding="utf-8"), argv[2])
    else:
        sys.stderr.write(__doc__ or "")
        return 2
    (DATA / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
