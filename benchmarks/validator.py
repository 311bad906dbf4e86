"""Time and peak memory of the validator on configs of 10 MB, with the reference in the same run where it is there.

    python benchmarks/validator.py [--rounds 5]

REFERENCE_VALIDATE names the reference; else `ignition-validate` on PATH is taken, unless that is ours; else its columns stay
empty. CPU is user and system time of the whole process, memory its peak resident set; the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OURS = [sys.executable, "-c", "import sys; from ignition_py.cli import main; sys.exit(main(['ignition-validate', *sys.argv[1:]]))"]
LINE = "hello%20world%0A"
UNIT = "[Unit]\nDescription=one of many\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def _config(**sections: Any) -> dict[str, Any]:
    return {"ignition": {"version": "3.4.0"}, **sections}


def _files(count: int, lines: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"path": f"/etc/dir{i % 97}/file{i}", "mode": 420, "contents": {"source": f"data:,{LINE * lines}"}, **more}
        for i in range(count)
    ]


def _units(count: int) -> list[dict[str, Any]]:
    return [{"name": f"unit{i}.service", "enabled": True, "contents": UNIT} for i in range(count)]


CASES = {
    "24,000 files, 3,000 units": lambda: _config(storage={"files": _files(24_000, 18)}, systemd={"units": _units(3_000)}),
    "20 files of 500 kB": lambda: _config(storage={"files": _files(20, 31_000)}),
    "2,500 files of 4 kB": lambda: _config(storage={"files": _files(2_500, 250)}),
    "24,000 files, a warning on each": lambda: _config(storage={"files": _files(24_000, 18, contentz=1)}),
    "24,000 files, an error on each": lambda: _config(storage={"files": _files(24_000, 16, user={"id": 1, "name": "x"})}),
}


def measured(argv: list[str], config: Path) -> tuple[float, int]:
    """CPU seconds and KiB of one run."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execvp(argv[0], [*argv, str(config)])
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"{argv} failed: {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def _reference() -> list[list[str]]:
    found = os.environ.get("REFERENCE_VALIDATE") or shutil.which("ignition-validate")
    return [[found]] if found and Path(found).read_bytes()[:4] == b"\x7fELF" else []


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    print("| config of 10 MB | ignition-validate, ours | reference | CPU | memory |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.ign")
        for name, make in CASES.items():
            config.write_text(json.dumps(make()))
            turns = [[measured(argv, config) for argv in (OURS, *_reference())] for _ in range(rounds)]
            best = [(min(t[i][0] for t in turns), min(t[i][1] for t in turns)) for i in range(len(turns[0]))]
            shown = [f"{cpu:.2f} s, {kib // 1024} MiB" for cpu, kib in best]
            ratios = [f"{best[1][i] / best[0][i]:.1f} x less" for i in (0, 1)] if len(best) > 1 else ["", ""]
            print(f"| {name} | {' | '.join([*shown, *([''] if len(shown) == 1 else []), *ratios])} |", flush=True)


if __name__ == "__main__":
    main()
