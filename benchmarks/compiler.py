"""Times and peak memory of the compiler, with the reference in the same run where it is there.

    python benchmarks/compiler.py [--scaling] [--rounds 5]

REFERENCE_BUTANE names the reference; else `butane` on PATH is taken; else its columns stay empty. Programs take turns, the
least of several rounds counts. Memory is the peak resident set of the process and its children, from wait4(2).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from butane_configs import large, small, tree

ROOT = Path(__file__).parents[1]
OURS = [sys.executable, "-c", "from butane_py.cli.main import run; run()"]
REFERENCE = os.environ.get("REFERENCE_BUTANE") or shutil.which("butane") or ""
MANY = 1_000


class Ran:
    """Seconds and KiB of one run."""

    def __init__(self, argv: list[str], folder: Path) -> None:
        start = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            os.environ["PYTHONPATH"] = str(ROOT)
            os.execvp(argv[0], argv)
        _, status, usage = os.wait4(child, 0)
        self.seconds = time.perf_counter() - start
        self.kib = usage.ru_maxrss
        if status:
            raise SystemExit(f"{argv} failed in {folder}: {os.waitstatus_to_exitcode(status)}")


def best(programs: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, tuple[float, int]]:
    """(seconds, KiB) of each program: the least of the rounds, in which they take turns."""
    found: dict[str, tuple[float, int]] = {}
    for _ in range(rounds):
        for name, argv in programs.items():
            ran = Ran(argv, folder)
            seconds, kib = found.get(name, (ran.seconds, ran.kib))
            found[name] = (min(seconds, ran.seconds), min(kib, ran.kib))
    return found


def programs(*argv: str) -> dict[str, list[str]]:
    both = {"ours": [*OURS, *argv]}
    if REFERENCE:
        both["reference"] = [REFERENCE, *argv]
    return both


def _ratio(found: dict[str, tuple[float, int]]) -> str:
    return f"{found['reference'][0] / found['ours'][0]:.1f} x" if "reference" in found else "-"


def _cell(found: dict[str, tuple[float, int]], name: str) -> str:
    if name not in found:
        return "-"
    seconds, kib = found[name]
    return f"{seconds * 1000:,.0f} ms, {kib / 1024:,.0f} MiB"


def row(what: str, bar: str, found: dict[str, tuple[float, int]], result: str) -> str:
    return f"| {what} | {_cell(found, 'ours')} | {_cell(found, 'reference')} | {result} | {bar} |"


def small_config(folder: Path, rounds: int) -> str:
    (folder / "small.bu").write_text(small(1))
    found = best({**programs("small.bu"), "pass": [sys.executable, "-c", "pass"]}, folder, rounds * 4)
    result = f"{found['ours'][0] / found['pass'][0]:.1f} x `python -c pass` ({found['pass'][0] * 1000:.0f} ms)"
    return row("small config, whole process", "at most 5 x `python -c pass`", found, result)


def many_configs(folder: Path, rounds: int) -> str:
    many = folder / "many"
    many.mkdir()
    for number in range(MANY):
        (many / f"{number:04}.bu").write_text(small(number))
    out = folder / "out"
    seconds = []
    for _ in range(max(1, rounds // 2)):
        shutil.rmtree(out, ignore_errors=True)
        seconds.append(Ran([*OURS, "--output-dir", "out", "many"], folder))
    found = {"ours": (min(ran.seconds for ran in seconds), min(ran.kib for ran in seconds))}
    if REFERENCE:
        start = time.perf_counter()
        kib = max(Ran([REFERENCE, "-o", f"out/{number:04}.ign", f"many/{number:04}.bu"], folder).kib for number in range(MANY))
        found["reference"] = (time.perf_counter() - start, kib)
    return row(f"{MANY:,} small configs (reference: one run each)", "at least 5 x faster", found, _ratio(found))


def large_config(folder: Path, rounds: int) -> str:
    text = large(5_000, 500)
    (folder / "large.bu").write_text(text)
    found = best(programs("-o", "large.ign", "large.bu"), folder, rounds)
    return row(f"one config of {len(text) / 1e6:.1f} MB", "at least 3 x faster, no more memory", found, _ratio(found))


def tree_config(folder: Path, rounds: int) -> str:
    (folder / "tree.bu").write_text(tree(folder))
    found = best(programs("-d", ".", "-o", "tree.ign", "tree.bu"), folder, rounds)
    return row("a tree of 2,000 files, 21 MB", "at least 3 x faster, no more memory", found, _ratio(found))


_REFERENCE_MOST = 20e6  # bytes; beyond it the reference takes minutes and gigabytes


def scaling(folder: Path, most: float) -> None:
    """Prints one row a size, each twice the one before, up to `most` bytes. The reference is run on the smaller ones."""
    files = round(5_000 * most / 1.97e6)
    halvings = 5
    before = 0.0
    for step in range(halvings + 1):
        count = files >> (halvings - step)
        text = large(count, count // 10)
        (folder / "scale.bu").write_text(text)
        both = programs("-o", "scale.ign", "scale.bu")
        if len(text) > _REFERENCE_MOST:
            both.pop("reference", None)
        found = best(both, folder, 1)
        grown = f"{found['ours'][0] / before:.2f} x the time of half of it" if before else "-"
        print(row(f"one config of {len(text) / 1e6:.0f} MB", "at most 2.2 x", found, grown), flush=True)
        before = found["ours"][0]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scaling", action="store_true", help="also configs of up to 100 MB (minutes)")
    parser.add_argument("--most", type=float, default=100e6, help="bytes of the largest config of --scaling")
    wanted = parser.parse_args()
    print("| what | butane-py | reference | result | bar |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for measure in (small_config, many_configs, large_config, tree_config):
            print(measure(folder, wanted.rounds), flush=True)
        if wanted.scaling:
            scaling(folder, wanted.most)
    return 0


if __name__ == "__main__":
    sys.exit(main())
