"""Reads the report of a boot (system/recorder.py writes it) and answers questions about it: what state is the machine in,
what took how long, what was waited for.

    load(root) -> Report -> status() for `ignition-py status`; blame() and critical_path() for `ignition-py analyze`

The newest boot in the file counts. Lines that cannot be read (a machine lost its power while one was written) are passed
over. No report at all, only the result file, is a machine that was provisioned by another program or an older one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from errno import EACCES
from typing import Any

from ignition_py import kept
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import IgnitionError
from ignition_py.system.rootfs import Root

RUN = "/run/ignition/report.jsonl"
KEPT = "/etc/.ignition-report.jsonl"
RESULT = "/etc/.ignition-result.json"
DONE, FAILED, RUNNING, UNKNOWN = "done", "failed", "running", "unknown"
_LAST_STAGE = "files"
_MAX = 256 << 20  # bytes of a report


class Span(Record):
    """Something that took time: `kind` is "stage", "step" or "resource"; seconds since power on, `size` in bytes."""

    kind: str
    stage: str
    what: str
    start: float
    took: float
    ok: bool
    _: KW_ONLY
    source: str = ""
    size: int = 0

    @property
    def end(self) -> float:
        return self.start + self.took

    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = {name: getattr(self, name) for name in ("kind", "stage", "what", "start", "took", "ok")}
        if self.kind == "resource":
            data.update(source=self.source, bytes=self.size)
        return data


class Run:
    """One run of a stage. `took` is None while it has not ended."""

    __slots__ = ("at", "boot", "failure", "ok", "pid", "platform", "spans", "stage", "start", "took", "warnings")

    def __init__(self, record: dict[str, Any]) -> None:
        self.stage = str(record["stage"])
        self.start = float(record["start"])
        self.at = str(record["at"])
        self.boot = str(record["boot"])
        self.pid = int(record["pid"])
        self.platform = str(record["platform"])
        self.took: float | None = None
        self.ok = False
        self.failure: dict[str, Any] | None = None
        self.spans: list[Span] = []
        self.warnings: list[str] = []

    def add(self, record: dict[str, Any]) -> None:
        if record["kind"] == "end":
            self.took, self.ok = float(record["took"]), record["ok"] is True
            failure = record.get("failure")
            self.failure = failure if isinstance(failure, dict) else None
            return
        if record["kind"] == "warning":
            self.warnings.append(str(record["what"]))
            return
        self.spans.append(
            Span(
                str(record["kind"]), self.stage, str(record["what"]), float(record["start"]), float(record["took"]), record["ok"] is True,
                source=str(record.get("source", "")), size=int(record.get("bytes", 0)),
            )
        )  # fmt: skip


class Status(Record):
    """`state` is DONE, FAILED, RUNNING or UNKNOWN; `stage` the one that failed, is running or ran last."""

    state: str
    stage: str = ""
    failure: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


class Report(Record):
    """The runs of stages of one boot, in order. `live`: of the boot that is going on, so that processes can be looked for.

    `kept`: a failure of an earlier boot that no provisioning has followed.
    """

    runs: list[Run]
    _: KW_ONLY
    live: bool = False
    result: dict[str, Any] | None = None
    kept: dict[str, Any] | None = None

    def status(self) -> Status:
        return self._status().but(result=self.result)

    def _status(self) -> Status:
        if self.kept is not None:
            return Status(FAILED, str(self.kept["stage"]), self.kept)
        latest = {run.stage: run for run in self.runs}  # a stage that is run again counts as it ended last
        for run in latest.values():
            if run.took is not None and not run.ok:
                return Status(FAILED, run.stage, run.failure)
            if run.took is None and not (self.live and os.path.exists(f"/proc/{run.pid}")):
                message = f"stage {run.stage} was interrupted"
                return Status(FAILED, run.stage, {"stage": run.stage, "message": message})
        if _LAST_STAGE in latest and latest[_LAST_STAGE].ok:
            return Status(DONE, self.runs[-1].stage)
        if self.runs:
            return Status(RUNNING, self.runs[-1].stage)
        return Status(DONE if self.result is not None else UNKNOWN)

    def stages(self) -> list[Span]:
        """The stages that have ended."""
        return [Span("stage", r.stage, f"stage {r.stage}", r.start, r.took, r.ok) for r in self.runs if r.took is not None]

    def blame(self) -> list[Span]:
        """Stages, steps and resources, what took longest first."""
        spans = [*self.stages(), *(span for run in self.runs for span in run.spans)]
        return sorted(spans, key=lambda span: -span.took)

    def critical_path(self) -> list[Span]:
        """What the end of provisioning waited for, in order: stages, in each the steps without which it would have ended sooner.

        Stages run one after the other, so all are on it. In a stage, from its end backwards: the step that ended last
        before the point reached so far.
        """
        path: list[Span] = []
        for run in self.runs:
            if run.took is None:
                continue
            path.append(Span("stage", run.stage, f"stage {run.stage}", run.start, run.took, run.ok))
            path += _waited_for(run.spans)
        return path


def _waited_for(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    point = float("inf")
    for span in sorted(spans, key=lambda span: (-span.end, -span.took)):
        if span.end <= point + 1e-6:
            found.append(span)
            point = span.start
    return found[::-1]


def load(root: str = "/", path: str = "") -> Report:
    """The report of the machine whose root is at `root`: of this boot if there is one, else what the root keeps.

    `path` names a report to read instead. Raises IgnitionError where it cannot be read.
    """
    if path:
        return Report(parse(_read(path)))
    text = _below(root, RUN) if root == "/" else None
    if text is not None:
        return Report(parse(text), live=True, result=_result(root))
    result = _result(root)
    kept = _failure(root, result)
    return Report(parse(_below(root, KEPT) or b"") if kept is None else [], result=result, kept=kept)


def _failure(root: str, result: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a boot that failed has left on the disk, unless provisioning has come to its end since. Raises IgnitionError."""
    found = kept.find(root)
    return found if found is not None and (result is None or kept.after(found, result)) else None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX)
    except OSError as error:
        raise IgnitionError(f"reading the report {path}: {error.strerror}") from None


def _below(root: str, path: str) -> bytes | None:
    """A file below a root, links followed inside of it; None for none."""
    try:
        with Root(root) as opened:
            return opened.read(path, _MAX)
    except OSError as error:
        hint = "Only root may read it" if error.errno == EACCES else ""
        raise IgnitionError(f"reading {path} below {root}: {error.strerror}", hint=hint) from None


def _result(root: str) -> dict[str, Any] | None:
    try:
        data = json.loads(_below(root, RESULT) or b"")
    except (ValueError, RecursionError):
        return None
    names = ("provisioningBootID", "provisioningDate", "userConfigProvided")
    return {name: data.get(name) for name in names} if isinstance(data, dict) else None


def parse(text: bytes) -> list[Run]:
    """The runs of the newest boot in the text."""
    runs: list[Run] = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
            if record["kind"] == "stage":
                run = Run(record)
                if runs and runs[-1].boot != run.boot:
                    runs.clear()
                runs.append(run)
            elif runs and runs[-1].stage == record["stage"]:
                runs[-1].add(record)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return runs
