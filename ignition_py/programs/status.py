"""`ignition-py status`: has this machine been provisioned, and if not, why not?"""

from __future__ import annotations

import time
from typing import Any

from ignition_py.boot_report import DONE, FAILED, RUNNING, UNKNOWN, Report, load

_INTERVAL = 0.25  # seconds


def wait(root: str = "/", report: str = "", timeout: float = 0.0) -> Report:
    """The report once provisioning has ended, or after `timeout` seconds (0: no limit). Raises IgnitionError."""
    deadline = time.monotonic() + timeout if timeout else float("inf")
    while True:
        found = load(root, report)
        if found.status().state != RUNNING or time.monotonic() >= deadline:
            return found
        time.sleep(_INTERVAL)


def lines(report: Report) -> list[str]:
    """For people: `status: provisioned`, then the facts behind it."""
    status = report.status()
    states = {
        DONE: "provisioned",
        FAILED: f"failed in stage {status.stage}",
        RUNNING: f"going on (stage {status.stage})",
        UNKNOWN: "unknown: this machine has no report and no result of provisioning",
    }
    lines = [f"status: {states[status.state]}"]
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
    lines += [f"warning, stage {run.stage}: {warning}" for run in report.runs for warning in run.warnings]
    for name, value in (status.failure or {}).items():
        if value and name not in ("stage", "said", "earlier"):
            lines.append(f"failure, {name}: {value}")
    earlier = (status.failure or {}).get("earlier")
    if isinstance(earlier, dict):
        lines.append(f"the first boot that failed: stage {earlier.get('stage')}, {earlier.get('at')}: {earlier.get('message')}")
    said_lines = (status.failure or {}).get("said")
    lines += [f"failure, said: {line}" for line in said_lines] if isinstance(said_lines, list) else []
    return lines


def data(report: Report) -> dict[str, Any]:
    """The same for programs."""
    status = report.status()
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
        "warnings": [{"stage": run.stage, "message": warning} for run in report.runs for warning in run.warnings],
        "failure": status.failure,
        "result": status.result,
    }
