"""The command line of `ignition-py status`."""

from __future__ import annotations

from json import dumps

import click

from ignition_py import boot_report
from ignition_py.programs import status
from ignition_py.programs.cli.options import REPORT, ROOT, styles
from ignition_py.programs.commands import DURATION, command
from ignition_py.programs.inputs import complain
from ignition_py.report.diag import IgnitionError
from ignition_py.system import streams

EXITS = {boot_report.DONE: 0, boot_report.FAILED: 1, boot_report.RUNNING: 3, boot_report.UNKNOWN: 4}
UNREADABLE = 5


@command(
    "status",
    example="ignition-py status --wait --timeout 5m",
    statuses={
        0: "provisioned",
        1: "provisioning failed",
        2: "wrong usage",
        3: "still going on",
        4: "nothing is known",
        UNREADABLE: "the report cannot be read",
    },
)
@styles("text", "json")
@REPORT
@ROOT
@click.option("--timeout", type=DURATION, default="0", help="How long to wait with --wait; 0 is without limit.")
@click.option("--wait", is_flag=True, help="Wait until provisioning has ended.")
def run(style: str, report: str, root: str, timeout: float, wait: bool) -> int:
    """Say whether this machine has been provisioned, and if not, why not."""
    try:
        found = status.wait(root, report, timeout) if wait else boot_report.load(root, report)
    except IgnitionError as error:
        complain("ignition-py status", error)
        return UNREADABLE
    if style == "json":
        streams.write_stdout(dumps(status.data(found), indent=2) + "\n")
    else:
        streams.write_stdout("".join(f"{line}\n" for line in status.lines(found)))
    return EXITS[found.status().state]
