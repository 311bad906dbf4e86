"""`ignition-py status`: has this machine been provisioned, and if not, why not? Exit statuses are part of the interface:

0 provisioned, 1 provisioning failed, 2 wrong usage, 3 still going on, 4 nothing is known, 5 the report cannot be read.
"""

from __future__ import annotations

import sys
import time

from ignition_py.boot_report import DONE, FAILED, RUNNING, UNKNOWN, load
from ignition_py.goflags import DURATION, SWITCH, TEXT, Flag, Parser, no_operands
from ignition_py.programs.inputs import complain, write
from ignition_py.report.diag import IgnitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.boot_report import Report, Status
    from ignition_py.goflags import Values

EXITS = {DONE: 0, FAILED: 1, RUNNING: 3, UNKNOWN: 4}
UNREADABLE = 5
LINES, JSON = "text", "json"
_ABOUT = "Says whether this machine has been provisioned. Exit status: 0 yes, 1 it failed, 3 going on, 4 unknown."
_INTERVAL = 0.25  # seconds


def parser(program: str) -> Parser:
    flags = (
        Flag("format", TEXT, "how to say it", default=LINES, noun="format", choices=(LINES, JSON)),
        Flag("report", TEXT, "a report to read, not this machine's", noun="file"),
        Flag("root", TEXT, "the root of another machine", noun="folder", default="/"),
        Flag("timeout", DURATION, "how long to wait with -wait; 0 is forever"),
        Flag("wait", SWITCH, "wait until provisioning has ended"),
    )
    return Parser(program, flags, about=_ABOUT)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, no_operands)
    if isinstance(values, int):
        return values
    try:
        report = _ended(values) if values.on("wait") else _load(values)
    except IgnitionError as error:
        complain(program, str(error))
        return UNREADABLE
    status = report.status()
    if values.text("format") == JSON:
        from json import dumps

        write(dumps(_data(report, status), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in _lines(report, status)))
    return EXITS[status.state]


def _load(values: Values) -> Report:
    return load(values.text("root"), values.text("report"))


def _ended(values: Values) -> Report:
    """The report once provisioning has ended, or the time is over."""
    limit = values.seconds("timeout")
    deadline = time.monotonic() + limit if limit else float("inf")
    while True:
        report = _load(values)
        if report.status().state != RUNNING or time.monotonic() >= deadline:
            return report
        sys.stdout.flush()
        time.sleep(_INTERVAL)


def _lines(report: Report, status: Status) -> list[str]:
    said = {
        DONE: "provisioned",
        FAILED: f"failed in stage {status.stage}",
        RUNNING: f"going on (stage {status.stage})",
        UNKNOWN: "unknown: this machine has no report and no result of provisioning",
    }
    lines = [f"status: {said[status.state]}"]
    if report.runs:
        first = report.runs[0]
        lines.append(f"platform: {first.platform}")
        lines.append(f"began: {first.at} (boot {first.boot})")
    elif status.result is not None:
        lines.append(f"ended: {status.result['provisioningDate']} (boot {status.result['provisioningBootID']})")
    if status.result is not None:
        lines.append(f"config by a user: {'yes' if status.result['userConfigProvided'] is True else 'no'}")
    for run in report.runs:
        took = "not ended" if run.took is None else f"{run.took:.3f} s" + ("" if run.ok else ", failed")
        lines.append(f"stage {run.stage}: {took}")
    for name, value in (status.failure or {}).items():
        if value and name not in ("stage", "said", "earlier"):
            lines.append(f"failure, {name}: {value}")
    earlier = (status.failure or {}).get("earlier")
    if isinstance(earlier, dict):
        lines.append(f"the first boot that failed: stage {earlier.get('stage')}, {earlier.get('at')}: {earlier.get('message')}")
    said_lines = (status.failure or {}).get("said")
    lines += [f"failure, said: {line}" for line in said_lines] if isinstance(said_lines, list) else []
    return lines


def _data(report: Report, status: Status) -> dict[str, object]:
    stages = [
        {"stage": run.stage, "start": run.start, "took": run.took, "ok": run.ok if run.took is not None else None} for run in report.runs
    ]
    first = report.runs[0] if report.runs else None
    return {
        "status": status.state,
        "stage": status.stage or None,
        "platform": first.platform if first else None,
        "began": first.at if first else None,
        "boot": first.boot if first else None,
        "stages": stages,
        "failure": status.failure,
        "result": status.result,
    }
