"""`butane-py --fix` and `--diff`: mechanical corrections of configs, written into them or shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from butane_py.cli.batch import configs_below
from butane_py.cli.job import DONE, REFUSED, Job
from butane_py.files import write_output
from ignition_py.goflags import UsageError, Values
from ignition_py.report.fixes import Fixed, fixed, unified_diff
from ignition_py.system import streams

_WITHOUT = ("output", "output-dir", "source-map", "watch", "input")


def fix_files(values: Values, job: Job, operands: Sequence[str]) -> int:
    """Corrects the configs (of a folder all .bu files below it) and reports what is left; the exit status.

    With --diff nothing is written. A config that does not compile afterwards is not written. Raises UsageError.
    """
    other = next((name for name in _WITHOUT if values.given(name)), None)
    if other:
        raise UsageError(f"--fix and --diff correct the configs themselves; they cannot stand beside --{other}")
    paths = list(_paths(operands))
    if not paths:
        raise UsageError("--fix and --diff need the files to correct, or folders with .bu files")
    return max([_fix_or_say(job, path, show=values.on("diff")) for path in paths])


def _paths(operands: Sequence[str]) -> Iterator[str]:
    for operand in operands:
        if os.path.isdir(operand):
            yield from sorted(configs_below(operand))
        else:
            yield operand


def _fix_or_say(job: Job, path: str, *, show: bool) -> int:
    """Corrects one config; a file that cannot be read or written does not keep the others from being corrected."""
    try:
        return _fix(job, path, show=show)
    except OSError as error:
        streams.say(f"butane-py: {streams.reason(error)}\n")
        return REFUSED


def _fix(job: Job, path: str, *, show: bool) -> int:
    with open(path, "rb") as file:
        before = file.read()
    result = fixed(before, path, lambda data: job.compile(data, path).report)
    compiled = job.compile(result.data, path)
    refused = compiled.output is None
    if show:
        streams.write_stdout(unified_diff(path, before, result.data))
    elif result.applied and not refused:
        write_output(path, result.data)
    if len(compiled.report):
        streams.say(job.shown(compiled.but(output=compiled.output or ""), result.data, path))
    streams.say(f"{path}: {_summary(result, refused=refused, show=show)}\n")
    return REFUSED if refused else DONE


def _summary(result: Fixed, *, refused: bool, show: bool) -> str:
    if not result.applied:
        return "it does not compile, and nothing can be fixed mechanically" if refused else "nothing to fix"
    count = len(result.applied)
    what = f"{count} fix{'es' if count > 1 else ''} ({'; '.join(dict.fromkeys(fix.title for fix in result.applied))})"
    if refused:
        return f"it would not compile with {what} either, so nothing was written"
    return f"{what} to apply" if show else f"{what} applied"
