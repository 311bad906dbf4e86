"""From a subject to the plan of one target: skip, lift, hold what is used against the target's cells, write facts as files."""

from __future__ import annotations

from butane_py.targets import fields, lift
from butane_py.targets.configs import with_inner_configs
from butane_py.targets.layouts import Layout, with_files
from butane_py.targets.model import Chosen, No
from butane_py.targets.options import check_names, check_options
from butane_py.targets.plan import Fact, Facts, Plan, Text
from butane_py.targets.report import Findings
from butane_py.targets.skip import without
from butane_py.targets.subjects import Subject
from ignition_py.record import Record
from ignition_py.spec import tables as spec


def plan_for(subject: Subject, chosen: Chosen, findings: Findings, *, pretty: bool = False) -> Plan | None:
    """The plan of a target; None where the findings have an error and writing would report no more."""
    target = chosen.target
    findings.report.merge(subject.report)
    check_names(subject.options, findings)
    check_options(subject.options, target, findings)
    config, facts = _skipped(subject, target.name, findings)
    config = with_inner_configs(config, subject.name, findings)
    layout = target.layout(chosen) if target.layout else None
    lifted = lift.lift(config, _Wants(chosen, layout), findings)
    facts = joined(facts, lifted.facts, findings)
    plan = Plan(
        chosen,
        facts,
        lifted.config,
        mounted=lifted.mounted,
        native=subject.options.native(target.name),
        native_place=subject.options.place(target.name),
        native_where=lambda path: subject.options.place(target.name, *path),
        source=subject.name.rpartition("/")[2],
        pretty=pretty,
    )
    check_cells(plan, findings)
    if target.check is not None:
        target.check(plan, findings)
    if layout is not None:
        plan = plan.but(config=with_files(plan, layout, findings))
    return plan if target.reports_by_writing or not findings.fatal else None


def _skipped(subject: Subject, target: str, findings: Findings) -> tuple[spec.Config, Facts]:
    """The config and the facts without what `targets.NAME.skip` names."""
    config, facts = subject.config, subject.facts
    for entry, place in subject.options.skips(target):
        left = without(config, facts, entry, subject.source)
        if left is None:
            hint = "name a section (storage.raid), an entry (systemd.units.app.service) or a field of one, as the config has it"
            findings.error("target-skip-unknown", f"the config has no {entry!r} to leave out", place, hint=hint)
        else:
            config, facts = left
    return config, facts


class _Wants(Record):
    """Whether a target wants the fact in a file: as its own text, to put it elsewhere, or to report that it cannot say it."""

    chosen: Chosen
    layout: Layout | None

    def __call__(self, field: str, path: str) -> bool:
        if field == "mounts":
            return self.chosen.target.mounts
        cell = self.chosen.cell(field)
        if isinstance(cell, No) or not cell.native:
            moves = isinstance(cell, No) or (self.layout is not None and not self.layout.keeps(field, path))
            return moves and field != "quadlets"
        return True


def joined(written: Facts, lifted: Facts, findings: Findings) -> Facts:
    """Facts of the section `machine` over those of files. Reports what both say, and say differently."""
    for name, title in (("hostname", "host name"), ("timezone", "time zone"), ("proxy", "proxy")):
        first, other = getattr(written, name), getattr(lifted, name)
        if first is not None and other is not None and _value(first) != _value(other):
            hint = f"leave one of the two out: this, or the file {other.file}"
            findings.error("target-twice", f"the config has two values of the {title}", first.place, hint=hint)
    return lifted.over(written)


def _value(fact: Fact) -> object:
    return fact.value if isinstance(fact, Text) else fact


def check_cells(plan: Plan, findings: Findings) -> None:
    """Reports each use of a field that the target cannot say. Parts of such a field are not looked at."""
    refused: set[str] = set()
    for name, field in fields.FIELDS.items():
        cell = plan.chosen.cell(name)
        if field.above in refused:
            refused.add(name)
        elif isinstance(cell, No):
            refused.add(name)
            for use in field.uses(plan):
                findings.error(cell.code, cell.sentence, use.place, hint=cell.hint, skip=use.skip)
