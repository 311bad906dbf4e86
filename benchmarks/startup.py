"""What starting costs: imports and CPU time of a small compilation and of each stage, as a table for docs/performance.md.

    python benchmarks/startup.py [--rounds 9]

Import time is the sum of `python -X importtime`; CPU is user and system time of the whole process. The least of the rounds
counts. Stages run on an empty root with a config that gives them little to do, and log to a socket that stands for the journal's, as
in a boot. Needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from journal import listen_as_journal

ROOT = Path(__file__).parents[1]
BUTANE = """variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents:
        inline: hello
"""
IGNITION = {"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hello"}}]}}
STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")


def cpu_and_imports(argv: list[str], folder: Path, rounds: int) -> tuple[float, float, int]:
    """CPU seconds of the process, seconds of imports, modules imported; the least of the rounds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    best = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *argv], cwd=folder, env=environment, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *argv], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        own = [line.split("|")[0].split(":")[1] for line in done.stderr.splitlines() if line.startswith("import time:")]
        numbers = [int(text) for text in own if text.strip().isdigit()]
        best.append((cpu, sum(numbers) / 1e6, len(numbers)))
    return min(each[0] for each in best), min(each[1] for each in best), best[0][2]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds
    listen_as_journal()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root/etc").mkdir(parents=True)
        (folder / "config.bu").write_text(BUTANE)
        (folder / "config.ign").write_text(json.dumps(IGNITION))
        rows.append(("python -c pass", cpu_and_imports(["-c", "pass"], folder, rounds)))
        rows.append(("butane-py, small config", cpu_and_imports(["-m", "butane_py", "config.bu"], folder, rounds)))
        shared = ["-platform", "file", "-root", "root", "-config-cache", "cache", "-neednet", "neednet",
                  "-state-file", "state"]  # fmt: skip
        for stage in STAGES:
            rows.append((f"stage {stage}", cpu_and_imports(["-m", "ignition_py", "-stage", stage, *shared], folder, rounds)))
    print("| what | CPU, ms | imports, ms | modules |\n| --- | ---: | ---: | ---: |")
    for what, (cpu, imports, modules) in rows:
        print(f"| {what} | {cpu * 1000:.0f} | {imports * 1000:.1f} | {modules} |")


if __name__ == "__main__":
    main()
