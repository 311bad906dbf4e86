"""Configs for other systems: `butane-py --target NAME[@VERSION][:FLAVOUR] CONFIG`.

    subject (subjects.py)   a finished compilation or an Ignition config: the desugared config, the facts of the section `machine`
    lift.py                 facts out of files, for targets that take them in their own words
    model.py, fields.py     the cells of each target, which report what it cannot say
    layouts.py              facts as files, for targets that take them so
    NAME.py                 what is left, as the target's own text

A target is a module with its row, named in registry.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from butane_py.compilation import Compilation
from butane_py.targets.model import Chosen
from butane_py.targets.registry import NAMES, choose
from ignition_py.record import Record
from ignition_py.report.diag import Place, Report
from ignition_py.report.finish import finished

if TYPE_CHECKING:
    from butane_py.result import Result
    from butane_py.targets.subjects import Subject


class Emission(Record):
    """What came of one target: its outputs by part (the end of a file's name), the main one first, and the report of the target alone.

    There are no outputs where the report has errors.
    """

    chosen: Chosen
    outputs: dict[str, bytes]
    report: Report

    @property
    def main(self) -> str:
        """The main output as text, without a final newline."""
        return next(iter(self.outputs.values()), b"").decode("utf-8", "replace").removesuffix("\n")


def emit(work: Compilation | Subject, chosen: Chosen, *, pretty: bool = False) -> Emission:
    """What one target makes of a finished compilation, or of another subject (subjects.py). Nothing is raised for a config.

    `pretty` indents JSON.
    """
    from butane_py.targets.planner import plan_for
    from butane_py.targets.report import Findings
    from butane_py.targets.subjects import Subject, subject_of

    findings = Findings(chosen.target.name)
    subject = work if isinstance(work, Subject) else subject_of(work)
    plan = plan_for(subject, chosen, findings, pretty=pretty)
    outputs: dict[str, bytes] = {}
    if plan is not None:
        outputs = chosen.target.write(plan, findings)
        if outputs and chosen.target.platforms and not findings.fatal:
            from butane_py.targets.sizes import check_size

            check_size(chosen.target, outputs, Place((), 1, 1, subject.name), findings)
    findings.report.entries.sort(key=lambda entry: (entry.place.line, entry.place.column))
    report = _wanted(finished(findings.report), subject)
    return Emission(chosen, {} if report.fatal else outputs, report)


def _wanted(report: Report, subject: Subject) -> Report:
    """The report without what comments of the config and the settings silence."""
    if subject.source is None or not len(report):
        return report
    from butane_py.linter.ignores import filtered

    return filtered(report, subject.source, subject.settings, lint=False)


def result_for(work: Compilation, text: str) -> Result:
    """The result of a compilation for the target that `text` names: the main output, the others in `outputs`. Raises TargetError."""
    from butane_py.result import Result
    from ignition_py.report.diag import Report

    emission = emit(work, choose(text), pretty=work.options.pretty)
    report = Report([*work.report, *emission.report])
    return Result(None if report.fatal else emission.main, report, None, work, emission.outputs)


__all__ = ["NAMES", "Emission", "choose", "emit", "result_for"]
