"""What a build says of a host: the reports of all its files as one, with the values behind them, and without secrets.

This is the one place where texts of reports leave a build: a secret that a message would show is hidden here.
"""

from __future__ import annotations

from butane_py.compilation import Compilation
from butane_py.fleet.compile import HostBuild
from butane_py.fleet.evaluation import given
from butane_py.fleet.interpolation import Grafted
from butane_py.fleet.linting import UNFILTERED
from butane_py.fleet.result import HostResult
from butane_py.fleet.taint import Taint
from butane_py.linter.ignores import MARK, filtered
from butane_py.yaml.source import Source
from ignition_py.report.diag import ERROR, Entry, Place, Report
from ignition_py.report.finish import finished

_MOST_VALUES = 4  # that a report names


def host_result(build: HostBuild, work: Compilation | None) -> HostResult:
    """The result of a build whose main file has been compiled as `work`."""
    state = build.state
    host = state.host.name if state.host is not None else ""
    taint = Taint(build)
    report = taint.hidden(_report(build))
    if not report.fatal and (work is None or work.text is None):  # a defect: what is refused has a reason
        report.add(ERROR, "internal", "compiling ended without a config and without an error", Place((), source=build.program.name))
    declared = {name for each in build.files for name in each.declarations}
    unused = tuple(name for name in state.given if name not in declared)
    result = HostResult(None, report, host=host, variables=state.bound, reads=_reads(build), includes=tuple(build.edges), unused=unused)
    result = result.but(compilation=work, hidden=taint.hidden if taint.any else None)
    if work is None or report.fatal or work.text is None:
        return result
    secrets = tuple(taint.outputs(work))
    if work.options.target:
        return _for_target(build, work, taint, result.but(secrets=secrets))
    return result.but(output=work.text, source_map=work.source_map, secrets=secrets)


def _for_target(build: HostBuild, work: Compilation, taint: Taint, result: HostResult) -> HostResult:
    """The result with the outputs of the target that the options name, and its report."""
    from butane_py import targets
    from butane_py.targets.subjects import subject_of

    subject = subject_of(work, [part for part in build.parts if part is not work])
    emission = targets.emit(subject, targets.choose(work.options.target), pretty=work.options.pretty)
    more = taint.hidden(_filtered(Report([_with_values(entry, build) for entry in emission.report]), build))
    report = Report([*result.report, *more])
    return result.but(report=report, output=None if report.fatal else emission.main, outputs=emission.outputs)


def _report(build: HostBuild) -> Report:
    """All entries: of the files as such, of variables and includes, and of each compilation."""
    entries: list[Entry] = []
    for work in build.works:
        entries += [_with_values(entry, build) for entry in work.report]
    for file in {file.path: file for file in build.files}.values():
        entries += file.report.entries
    report = finished(Report([*build.state.report, *entries]))
    return _filtered(report, build)


def _with_values(entry: Entry, build: HostBuild) -> Entry:
    """The entry with the values that its place is made of, and where each comes from."""
    if entry.code == UNFILTERED:
        return entry  # about the reference, whatever its value is
    for source in _sources(build, entry.place.source):
        node = source.deepest(entry.place.path) if entry.place.path else None
        if isinstance(node, Grafted):
            return entry.but(related=(*entry.related, *map(given, node.uses[:_MOST_VALUES])))
    return entry


def _sources(build: HostBuild, name: str) -> list[Source]:
    return [work.source for work in build.works if work.name == name and hasattr(work, "source")]


def _filtered(report: Report, build: HostBuild) -> Report:
    """The report without what comments silence, and with severities as set."""
    options = build.options
    sources = {work.name: work.source for work in build.works if hasattr(work, "source")}
    silences = any(MARK in source.text for source in sources.values())
    if not (options.lint or options.settings or silences):
        return report
    kept: list[Entry] = []
    others = [entry for entry in report if entry.place.source not in sources]
    for name, source in sources.items():
        own = Report([entry for entry in report if entry.place.source == name])
        kept += filtered(own, source, options.settings, lint=options.lint and not report.fatal)
    return Report([*others, *kept])


def _reads(build: HostBuild) -> tuple[str, ...]:
    """Every file that was read: configs, and local files that they name."""
    from butane_py.cli.reads import files_read

    found = dict.fromkeys(work.name for work in build.works)
    for work in build.works:
        found.update(dict.fromkeys(files_read(work)))
    return tuple(found)
