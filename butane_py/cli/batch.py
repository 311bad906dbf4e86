"""Many configs in one call: `--output-dir OUT a.bu b.bu folder/`. One process compiles them all, or with `--jobs` several.

Reports come out in the order of the files, however the work was shared; the exit status is that of the worst.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from butane_py.cli.job import DONE, REFUSED, Job
from butane_py.cli.one import BAD, CHECKED, UNCHANGED, WRITTEN, Outcome, compile_file, failure
from butane_py.cli.processes import LOST, MOST, in_processes
from butane_py.files import Identity, identity
from ignition_py.goflags import UsageError, Values
from ignition_py.record import Record
from ignition_py.report.diag import Report
from ignition_py.system.streams import say

SUFFIXES = (".bu", ".butane")


class Item(Record):
    """One file to compile: where it is, and where its output goes, without the suffix that depends on its variant."""

    path: str
    target: str


def collect(operands: Sequence[str], output_dir: str) -> list[Item]:
    """The files behind files and folders; of a folder, all .bu and .butane files in it, at any depth. Raises UsageError, OSError.

    Two files with one output are an error where there is an output directory; it is "" for --check alone.
    """
    items: list[Item] = []
    for operand in operands:
        if os.path.isdir(operand):
            found = sorted(configs_below(operand))
            items += [Item(path, os.path.join(output_dir, _stem(os.path.relpath(path, operand)))) for path in found]
        else:
            items.append(Item(operand, os.path.join(output_dir, _stem(os.path.basename(operand)))))
    first: dict[str, str] = {}
    for item in items if output_dir else ():
        other = first.setdefault(item.target, item.path)
        if other != item.path:
            raise UsageError(f"{other} and {item.path} would both be written to {item.target}.ign; rename one of them")
    if not items:
        raise UsageError(f"there are no {' or '.join(SUFFIXES)} files in {', '.join(operands)}")
    return items


def configs_below(folder: str) -> Iterator[str]:
    """The configs in a folder; hidden files and folders are left out."""
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(base, name) for name in files if name.endswith(SUFFIXES) and not name.startswith("."))


def _stem(path: str) -> str:
    root, suffix = os.path.splitext(path)
    return root if suffix in (*SUFFIXES, ".yaml", ".yml") else path


class Compiler(Record):
    """Compiles items of one batch; a callable that other processes can be given."""

    job: Job
    inputs: frozenset[Identity | None]

    def __call__(self, item: Item) -> Outcome:
        """Compiles one file and writes what changed. Nothing is raised for a file, whatever is wrong with it."""
        try:
            outcome = compile_file(self.job, item.path, item.target, inputs=self.inputs, derived=True)
        except (MemoryError, RecursionError) as error:
            outcome = failure(self.job, "internal", f"compiling failed: {type(error).__name__}", item.path)
        return outcome.but(result=outcome.result.but(output=None, source_map=None, compilation=None))


def compile_all(values: Values, job: Job, operands: Sequence[str]) -> int:
    """Runs the batch and prints its reports; the exit status. Raises UsageError, OSError."""
    return batch(values, job, operands)[0]


def batch(values: Values, job: Job, operands: Sequence[str]) -> tuple[int, set[str]]:
    """Runs the batch and prints its reports; the exit status, and all files that were read. Raises UsageError, OSError."""
    import gc

    gc.enable()  # main() has turned it off, for processes that end before it would run
    output_dir = values.text("output-dir")
    count = _jobs(values)
    items = collect(operands, output_dir)
    if not job.check:
        os.makedirs(output_dir, exist_ok=True)
    compiler = Compiler(job, frozenset(identity(item.path) for item in items))
    outcomes = in_processes(compiler, items, count, lambda item: failure(job, "internal", LOST, item.path))
    return _report(job, items, outcomes)


def _jobs(values: Values) -> int:
    """The number of processes. Raises UsageError."""
    text = values.text("jobs") or "1"
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise UsageError(f"--jobs takes a number from 1 to {MOST}, not {text!r}")
    return int(text)


def _report(job: Job, items: list[Item], outcomes: Iterator[Outcome]) -> tuple[int, set[str]]:
    """Prints the reports; the exit status, and all files that were read."""
    counts = dict.fromkeys((WRITTEN, UNCHANGED, CHECKED, BAD), 0)
    collected: list[tuple[str, Report]] = []
    reads: set[str] = set()
    bar = ProgressBar(len(items)) if job.style == "text" and sys.stderr.isatty() else None
    for outcome in outcomes:
        counts[outcome.state] += 1
        reads.update((outcome.name, *outcome.reads))
        if outcome.text:
            if bar:
                bar.clear()
            job.tell(_prefixed(outcome) if job.style == "raw" else outcome.text, config_to_stdout=False)
        if job.style == "sarif":
            collected.append((outcome.name, outcome.result.report))
        if bar:
            bar.show(sum(counts.values()))
    if bar:
        bar.clear()
    if job.style == "sarif":
        from ignition_py.report.sarif import sarif

        job.tell(sarif(collected), config_to_stdout=False)
    elif job.style == "text":
        sums = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        say(f"{len(items)} config{'s' * (len(items) != 1)}: {sums}\n")
    return REFUSED if counts[BAD] else DONE, reads


def _prefixed(outcome: Outcome) -> str:
    """A report of a line each, which begins with the file's name."""
    return "".join(f"{outcome.name}: {line}\n" for line in outcome.text.splitlines())


class ProgressBar:
    """A line on the terminal, written over and taken away again."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = -1

    def show(self, done: int) -> None:
        share = done * 40 // self._total
        if share != self._shown:
            self._shown = share
            say(f"\r[{'#' * share:<40}] {done}/{self._total}")

    def clear(self) -> None:
        if self._shown >= 0:
            say("\r\x1b[K")
            self._shown = -1
