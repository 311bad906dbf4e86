"""Many configs in one call: `--output-dir OUT a.bu b.bu folder/`, on all cores.

Workers are forked once everything is imported, and take one file after the other from a list that they share: the offset of
an open file, which the kernel moves on for all of them at every read. Reports come out in the order of the files, however the
work was shared; the exit status is that of the worst.
"""

from __future__ import annotations

import marshal
import os
import select
import sys

from butane_py.cli.job import DONE, REFUSED, Job
from butane_py.files import write_output
from butane_py.pipeline import Result
from ignition_py.goflags import UsageError
from ignition_py.report.diag import ERROR, Entry, Place, Report
from ignition_py.system.streams import reason, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ignition_py.goflags import Values

SUFFIXES = (".bu", ".butane")
_NUMBER = 4  # bytes of a number in the shared list and in front of an answer
_MOST_JOBS = 256
WRITTEN, UNCHANGED, CHECKED, BAD = "written", "unchanged", "checked", "refused"


class Item:
    """One file to compile: where it is, and where its output goes, without the suffix that depends on its variant."""

    __slots__ = ("path", "target")

    def __init__(self, path: str, target: str) -> None:
        self.path = path
        self.target = target


def collect(operands: Sequence[str], output_dir: str) -> list[Item]:
    """The files behind files and folders; of a folder, all .bu and .butane files in it, at any depth. Raises UsageError, OSError."""
    items: list[Item] = []
    for operand in operands:
        if os.path.isdir(operand):
            found = sorted(_below(operand))
            items += [Item(path, os.path.join(output_dir, _stem(os.path.relpath(path, operand)))) for path in found]
        else:
            items.append(Item(operand, os.path.join(output_dir, _stem(os.path.basename(operand)))))
    first: dict[str, str] = {}
    for item in items:
        other = first.setdefault(item.target, item.path)
        if other != item.path:
            raise UsageError(f"{other} and {item.path} would both be written to {item.target}.ign")
    if not items:
        raise UsageError(f"there are no {' or '.join(SUFFIXES)} files in {', '.join(operands)}")
    return items


def _below(folder: str) -> Iterator[str]:
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(base, name) for name in files if name.endswith(SUFFIXES) and not name.startswith("."))


def _stem(path: str) -> str:
    root, suffix = os.path.splitext(path)
    return root if suffix in (*SUFFIXES, ".yaml", ".yml") else path


class Answer:
    """What came of one file. `entries` are plain tuples, for SARIF."""

    __slots__ = ("entries", "state", "text")

    def __init__(self, state: str, text: str, entries: list[tuple[object, ...]]) -> None:
        self.state = state
        self.text = text
        self.entries = entries


def compile_item(job: Job, item: Item) -> Answer:
    """Compiles one file and writes what changed. A file that cannot be read or written is refused; nothing is raised."""
    data = b""
    try:
        with open(item.path, "rb") as file:
            data = file.read()
        result = job.compile(data, item.path)
        state = BAD if result.output is None else CHECKED if job.check else _written(job, item, result, result.output)
    except OSError as error:
        state, result = BAD, _failure("local-file", reason(error), item.path)
    except (MemoryError, RecursionError) as error:
        state, result = BAD, _failure("internal", f"compiling failed: {type(error).__name__}", item.path)
    entries = [_packed(entry) for entry in result.report] if job.style == "sarif" else []
    return Answer(state, _shown(job, result, data, item.path), entries)


def _shown(job: Job, result: Result, data: bytes, path: str) -> str:
    """A file's report. Where it is a line each, lines begin with the file's name."""
    text = job.shown(result, data, path)
    return "".join(f"{path}: {line}\n" for line in text.splitlines()) if job.style == "raw" else text


def _written(job: Job, item: Item, result: Result, output: str) -> str:
    suffix = ".yaml" if output.startswith("#") else ".ign"
    os.makedirs(os.path.dirname(item.target) or ".", exist_ok=True)
    data = output.encode("utf-8", "replace") + b"\n"
    state = WRITTEN if write_output(item.target + suffix, data, changed_only=True, sync=False) else UNCHANGED
    job.write_map(result, item.target + suffix)
    return state


def _failure(code: str, message: str, path: str) -> Result:
    return Result(None, Report([Entry(ERROR, code, message, Place((), source=path))]))


def _packed(entry: Entry) -> tuple[object, ...]:
    place = entry.place
    return entry.severity, entry.code, entry.message, place.path, place.line, place.column, place.source, entry.hint


def _unpacked(packed: tuple[object, ...]) -> Entry:
    severity, code, message, path, line, column, source, hint = packed
    return Entry(severity, code, message, Place(path, line, column, source), hint)  # type: ignore[arg-type]  # as _packed made it


def compile_all(values: Values, job: Job, operands: Sequence[str]) -> int:
    """Runs the batch and prints its reports; the exit status. Raises UsageError, OSError."""
    output_dir = values.text("output-dir")
    items = collect(operands, output_dir)
    if not job.check:
        os.makedirs(output_dir, exist_ok=True)
    count = min(_jobs(values), len(items))
    answers = _in_parallel(job, items, count) if count > 1 else ((i, compile_item(job, item)) for i, item in enumerate(items))
    return _report(job, items, answers)


def _jobs(values: Values) -> int:
    text = values.text("jobs")
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_JOBS:
        raise UsageError(f"--jobs takes a number from 1 to {_MOST_JOBS}, not {text!r}")
    return int(text)


def _report(job: Job, items: list[Item], answers: Iterator[tuple[int, Answer]]) -> int:
    """Prints reports in the order of the files as soon as all before them are there."""
    waiting: dict[int, Answer] = {}
    counts = dict.fromkeys((WRITTEN, UNCHANGED, CHECKED, BAD), 0)
    collected: list[tuple[str, Report]] = []
    bar = ProgressBar(len(items)) if job.style == "text" and sys.stderr.isatty() else None
    following = 0
    for index, answer in answers:
        waiting[index] = answer
        counts[answer.state] += 1
        while following in waiting:
            ready = waiting.pop(following)
            if ready.text:
                if bar:
                    bar.clear()
                job.tell(ready.text, config_to_stdout=False)
            if job.style == "sarif":
                collected.append((items[following].path, Report(_unpacked(each) for each in ready.entries)))
            following += 1
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
    return REFUSED if counts[BAD] else DONE


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


def _in_parallel(job: Job, items: list[Item], count: int) -> Iterator[tuple[int, Answer]]:
    """(index, answer) of every item, as workers finish them. A worker that dies costs the item it was at, with an error."""
    warm_up(job)
    shared = _unlinked()
    os.write(shared, b"".join(i.to_bytes(_NUMBER, "little") for i in range(len(items))))
    os.lseek(shared, 0, os.SEEK_SET)
    sys.stdout.flush()
    sys.stderr.flush()
    pipes: dict[int, int] = {}
    for _ in range(count):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(job, items, shared, writing)
        os.close(writing)
        pipes[reading] = child
    os.close(shared)
    missing = set(range(len(items)))
    for index, answer in _gathered(pipes):
        missing.discard(index)
        yield index, answer
    for index in sorted(missing):
        result = _failure("internal", "the process that compiled this ended before it was done", items[index].path)
        yield index, Answer(BAD, _shown(job, result, b"", items[index].path), [_packed(entry) for entry in result.report])


def _unlinked() -> int:
    """A regular file without a name: only of those the kernel moves the offset on in one step with the reading (not of a memfd)."""
    import tempfile

    file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as a descriptor
    return os.dup(file.fileno())


def warm_up(job: Job) -> None:
    """Imports what compiling needs, so that workers inherit it."""
    import gc

    job.compile(b"variant: fcos\nversion: 1.6.0\nstorage: {files: [{path: /a, contents: {inline: a}}]}\n", "")
    gc.freeze()


def _work(job: Job, items: list[Item], shared: int, writing: int) -> None:
    """A worker's life; it never returns."""
    import gc

    gc.enable()
    status = 1
    try:
        with open(writing, "wb") as stream:
            while len(number := os.read(shared, _NUMBER)) == _NUMBER:
                index = int.from_bytes(number, "little")
                answer = compile_item(job, items[index])
                data = marshal.dumps((index, answer.state, answer.text, answer.entries))
                stream.write(len(data).to_bytes(_NUMBER, "little") + data)
                if answer.text:
                    stream.flush()
        status = 0
    finally:
        os._exit(status)


def _gathered(pipes: dict[int, int]) -> Iterator[tuple[int, Answer]]:
    """Answers out of the workers' pipes, until all have closed theirs."""
    buffers = {reading: bytearray() for reading in pipes}
    poll = select.poll()
    for reading in pipes:
        poll.register(reading, select.POLLIN | select.POLLHUP)
    while buffers:
        for reading, _ in poll.poll():
            data = os.read(reading, 1 << 16)
            buffer = buffers[reading]
            buffer += data
            while len(buffer) >= _NUMBER and len(buffer) >= _NUMBER + (size := int.from_bytes(buffer[:_NUMBER], "little")):
                index, state, text, entries = marshal.loads(bytes(buffer[_NUMBER : _NUMBER + size]))  # noqa: S302  # our own workers'
                del buffer[: _NUMBER + size]
                yield index, Answer(state, text, entries)
            if not data:
                poll.unregister(reading)
                os.close(reading)
                os.waitpid(pipes[reading], 0)
                del buffers[reading]
