"""Compiling one file: read, compile, write, report. What a single run, a batch and a watch have in common."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from butane_py.cli.job import Job
from butane_py.result import Result
from ignition_py.record import Record
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, Entry, Place, Report
from ignition_py.system.streams import read_stdin, reason

if TYPE_CHECKING:
    from butane_py.files import Identity

SHOWN_STDIN = "<stdin>"
WRITTEN, UNCHANGED, CHECKED, BAD = "written", "unchanged", "checked", "refused"


declare(
    "input-file",
    title="The config cannot be read",
    why="The file that is to be compiled does not exist, is a directory, or may not be read.",
    fix="Correct the name or the permissions; - is standard input.",
)
declare(
    "output-file",
    title="The output cannot be written",
    why="The config compiles, but the file for its output cannot be written, or is a source that would be lost. What was "
    "there before is unchanged.",
    fix="Write somewhere else, with --output or --output-dir.",
)
declare(
    "schema",
    title="The output does not hold to the published schema",
    why="--check holds the output against the JSON Schema of its version. That it does not hold is a defect of the compiler.",
    fix="Report it, with the config.",
)


class Outcome(Record):
    """What came of one file: `text` is the report as the job shows it ("" for SARIF), `reads` the local files that it names."""

    name: str
    state: str
    result: Result
    text: str
    reads: tuple[str, ...] = ()


def compile_file(
    job: Job, source: str | None, target: str, *, inputs: Collection[Identity | None] = (), derived: bool = False
) -> Outcome:
    """Compiles one file (None: standard input) and writes what has changed, except to standard output (`target` is "").

    A `derived` target gets the suffix of its kind, and no hand-written YAML is overwritten; `inputs` are other files that are not
    to be overwritten. Files that cannot be read or written are errors of the report. Raises OSError for standard input.
    """
    name, data = source or SHOWN_STDIN, b""
    reads: tuple[str, ...] = ()
    try:
        data = read_stdin() if source is None else _contents(source)
    except OSError as error:
        if source is None:
            raise
        return _outcome(job, BAD, _failed("input-file", reason(error), name), data, name)
    result = job.compile(data, name)
    if job.options.files_dir and result.compilation is not None:
        from butane_py.cli.reads import files_read

        reads = files_read(result.compilation)
    if result.output is None:
        return _outcome(job, BAD, result, data, name, reads)
    if job.check:
        from butane_py.published import violations

        found = [_entry("schema", message, name) for message in violations(result.output)]
        if found:
            return _outcome(job, BAD, Result(None, Report([*result.report, *found])), data, name, reads)
        return _outcome(job, CHECKED, result, data, name, reads)
    if not target:
        return _outcome(job, CHECKED, result, data, name, reads)
    try:
        state = _written(job, result, result.output, target, _not_onto(source, reads, inputs), derived=derived)
    except OSError as error:
        failed = _failed("output-file", reason(error), name)
        return _outcome(job, BAD, failed.but(report=Report([*result.report, *failed.report])), data, name, reads)
    return _outcome(job, state, result, data, name, reads)


def say_report(job: Job, outcome: Outcome, *, config_to_stdout: bool) -> None:
    """Writes the report of a run with one file; see `Job.tell`."""
    if job.style == "sarif":
        from ignition_py.report.sarif import sarif

        job.tell(sarif([(outcome.name, outcome.result.report)]), config_to_stdout=config_to_stdout)
    else:
        job.tell(outcome.text, config_to_stdout=config_to_stdout)


def _outcome(job: Job, state: str, result: Result, data: bytes, name: str, reads: tuple[str, ...] = ()) -> Outcome:
    return Outcome(name, state, result, job.shown(result, data, name), reads)


def _contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def as_bytes(output: str) -> bytes:
    """The output as it is written."""
    return output.encode("utf-8", "replace") + b"\n"


def _failed(code: str, message: str, name: str) -> Result:
    return Result(None, Report([_entry(code, message, name)]))


def _entry(code: str, message: str, name: str) -> Entry:
    """An error that is not about a place of the text."""
    return Entry(ERROR, code, message, Place((), source=name))


def failure(job: Job, code: str, message: str, name: str) -> Outcome:
    """The outcome of a file that could not be compiled for a reason that is not in it."""
    return _outcome(job, BAD, _failed(code, message, name), b"", name)


def _not_onto(source: str | None, reads: Collection[str], inputs: Collection[Identity | None]) -> set[Identity | None]:
    """The files that the output may not be: the config and its local files, and `inputs`."""
    from butane_py.files import identity

    return {identity(source or "/dev/stdin"), *map(identity, reads), *inputs} - {None}


def _written(job: Job, result: Result, output: str, target: str, inputs: set[Identity | None], *, derived: bool) -> str:
    """Writes the output, and the source map beside it where it is asked for; the state. Raises OSError."""
    header = b""
    if derived:
        target, header = derived_target(output, target)
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    return write_result(job, result, output, target, inputs, sync=not derived, header=header)


def derived_target(output: str, stem: str) -> tuple[str, bytes]:
    """The file for an output, by its kind, and what a file that may be overwritten begins with: no hand-written YAML is lost."""
    if not output.startswith("#"):
        return f"{stem}.ign", b""
    from butane_py.emit.yaml import HEADER

    return f"{stem}.yaml", HEADER.encode()


def write_result(
    job: Job, result: Result, output: str, target: str, inputs: Collection[Identity | None], *, sync: bool, header: bytes = b""
) -> str:
    """Writes an output to a file, and the source map beside it; the state. Raises OSError."""
    from butane_py.files import write_output

    new = write_output(
        target, as_bytes(output), private=job.private, changed_only=True, sync=sync, inputs=inputs, header=header
    )
    write_map(job, result.source_map, target, inputs)
    return WRITTEN if new else UNCHANGED


def write_map(job: Job, source_map: dict[str, Any] | None, target: str, inputs: Collection[Identity | None]) -> None:
    """Writes the source map of an output beside its file, where there is one and it is to go there. Raises OSError."""
    if job.map_to != "beside" or source_map is None:
        return
    from butane_py.emit.source_map import as_text
    from butane_py.files import write_output
    from ignition_py.spec.read import MAP_SUFFIX

    text = as_text(source_map).encode()
    write_output(target + MAP_SUFFIX, text, private=job.private, changed_only=True, sync=False, inputs=inputs)
