"""The compiler: YAML text in, Ignition config (or MachineConfig) and report out, by the passes that PASSES lists.

A pass that found an error is the last one. Nothing is raised for a bad config.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from butane_py import tables
from butane_py.compilation import Compilation, Options
from butane_py.features import FEATURES
from butane_py.features.feature import Feature
from butane_py.registry import BUTANE, ButaneFindings
from butane_py.result import Result
from butane_py.rows import find_row
from butane_py.translate import translated
from butane_py.variants import Variant
from butane_py.yaml.decode import Decoder
from butane_py.yaml.edits import type_entry
from butane_py.yaml.source import Source, YamlError
from ignition_py.report.diag import ERROR, Entry, Place, Related, Report
from ignition_py.report.finish import finished

Pass: TypeAlias = Callable[[Compilation], None]


_SILENCING = b"butane-py: ignore"  # the beginning of comments that silence reports; see lint/ignores.py


def compile_source(text: bytes, name: str, options: Options) -> Result:
    """Compiles one Butane config. `name` is what the report calls it."""
    work = compiled(text, name, options)
    if options.target and not work.report.fatal:
        from butane_py.targets import result_for

        return result_for(work, options.target)
    fatal = work.report.fatal
    return Result(None if fatal else work.text, work.report, None if fatal else work.source_map, work)


def compiled(text: bytes, name: str, options: Options) -> Compilation:
    """The compilation of one Butane config after its last pass."""
    work = Compilation(text, name, options)
    run_passes(work, PASSES)
    work.report = finished(work.report)
    options = work.options
    silences = options.lint or options.settings or (_SILENCING in text and not options.at_boot)  # an initramfs has no linter
    if hasattr(work, "row") and silences:
        from butane_py.linter.ignores import filtered

        work.report = filtered(work.report, work.source, options.settings, lint=options.lint and work.text is not None)
    return work


def run_passes(work: Compilation, passes: Iterable[Pass]) -> None:
    """Runs passes until one has found an error."""
    try:
        for step in passes:
            step(work)
            if work.report.fatal:
                break
    except YamlError as error:
        work.report = Report([no_yaml(error, work.data, work.name)])


def no_yaml(error: YamlError, text: bytes, name: str) -> Entry:
    """The diagnostic for a text that is not YAML: what it is instead, where it is of a known kind."""
    from ignition_py.spec.kinds import not_butane

    other = not_butane(text)
    place = Place((), error.line or 1, error.column, name)
    if other is not None:
        return Entry(ERROR, "not-butane", other[0], place, other[1])
    related = () if error.begun is None else (Related(error.begun[0], Place((), error.begun[1], error.begun[2], name)),)
    return Entry(ERROR, "yaml", str(error), place, error.hint, related=related)


def parse(work: Compilation) -> None:
    """The YAML nodes of the text. Raises YamlError."""
    work.source = Source(work.data, work.name)


def choose_row(work: Compilation) -> None:
    """The row of the variants that the config names. Raises YamlError."""
    row = find_row(work.source, work.report)
    if row is not None:
        work.row = row


def decode(work: Compilation) -> None:
    """The typed config, with errors for wrong types and warnings for unknown keys. Raises YamlError."""
    work.row.load()
    decoder = Decoder(work.source, work.row.levels)
    root = work.source.root
    assert root is not None
    config = decoder.struct(tables.Config, root, ())
    for problem in decoder.problems:
        work.report.entries.append(type_entry(problem, work.source))
    if decoder.problems:
        return
    assert config is not None
    work.config = config
    if decoder.unusual:
        from butane_py.unknown import report_unknown

        report_unknown(work, decoder)


def check_written(work: Compilation) -> None:
    """The checks of the config as it is written."""
    find = ButaneFindings(work.row)
    BUTANE.walk(work.config, find, keys=False)
    for finding in find.found:
        work.add_finding(finding)


def translate(work: Compilation) -> None:
    """Structures of the Ignition language, with all single values worked out, and the sugar of every variant."""
    work.forgets_empty_origins = any(each.merges(work) for each in _features(work))
    work.output = translated(work)
    for each in _features(work):
        if not each.section:
            work.output = each.desugar(work, work.output)


def desugar_sections(work: Compilation) -> None:
    """The sugar of sections that only some variants have."""
    for each in _features(work):
        if each.section:
            work.output = each.desugar(work, work.output)


def _features(work: Compilation) -> Iterator[Feature]:
    """The features that the row has."""
    return (each for each in FEATURES if not each.section or work.row.has(each.section))


def check_forbidden(work: Compilation) -> None:
    """Errors for what the variant forbids and the output has."""
    if not (work.row.machine_config and work.options.raw):
        from butane_py.forbidden import find_forbidden

        find_forbidden(work)


def check_output(work: Compilation) -> None:
    """What features check of the output, and the rules of the Ignition language."""
    from butane_py.ignition_rules import check_absent_partitions, check_ignition

    for each in _features(work):
        each.check_output(work)
    check_ignition(work)
    check_absent_partitions(work)


def emit(work: Compilation) -> None:
    """The text of the output."""
    from butane_py.emit.json import emit_json, without_bad_bytes
    from ignition_py.spec.check import check_output as check_types
    from ignition_py.spec.encode import to_data

    if work.row.neutral and not work.options.target:
        work.error("target-missing", "variant machine is for several systems: nothing says for which", ("variant",),
                   "give --target NAME; `butane-py targets` lists them")  # fmt: skip
        return
    data = to_data(work.output, work.row.spec)
    check_types(data, work.row.spec)
    if not work.row.spec:
        below = data["ignition"].get("config", {})  # sources are there always, by accident of the reference (docs/differences.md)
        below.update({"merge": [{"source": None, **child} for child in below["merge"]]} if "merge" in below else {})
        below.update({"replace": {"source": None, **below["replace"]}} if "replace" in below else {})
    work.document = data
    if not work.wraps:
        work.text = emit_json(data, pretty=work.options.pretty)
        return
    from butane_py.emit.yaml import emit_yaml
    from butane_py.features.machine_config import wrap

    wrapped = work.document = wrap(work, data)
    text = emit_yaml(wrapped)
    work.text = emit_yaml(without_bad_bytes(wrapped)) if "\\uDC" in text else text


def map_source(work: Compilation) -> None:
    """The source map, where it is asked for."""
    if work.options.source_map:
        from butane_py.emit.source_map import source_map

        work.source_map = source_map(work, work.output)


def lint(work: Compilation) -> None:
    """The warnings of the linter, where they are asked for."""
    if work.options.lint:
        from butane_py.linter import lint

        assert work.text is not None
        lint(work, work.config, work.output, work.text, lambda row: _refusals(work, row))


def _refusals(work: Compilation, row: Variant) -> list[Entry]:
    """The errors of the same text as a config of another version."""
    other = Compilation(work.data, work.name, work.options)
    other.source, other.row = work.source, row
    for step in PASSES[PASSES.index(decode) : PASSES.index(emit)]:
        step(other)
        if other.report.fatal:
            break
    return [entry for entry in other.report if entry.severity == ERROR]


PASSES: tuple[Pass, ...] = (
    parse,
    choose_row,
    decode,
    check_written,
    translate,
    desugar_sections,
    check_forbidden,
    check_output,
    emit,
    map_source,
    lint,
)
