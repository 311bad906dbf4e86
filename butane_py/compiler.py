"""The compiler: YAML text in, Ignition config (or MachineConfig) and report out. The order of the steps is here.

    source (YAML nodes) -> variant row -> decode (typed, by the tables) -> checks/before -> translate -> sugar/
    -> checks/after -> the Ignition rules -> emit

A step that found an error is the last one. Nothing is raised for a bad config.
"""

from __future__ import annotations

from butane_py import tables
from butane_py.compilation import Compilation, Options
from butane_py.yaml.decode import Decoder
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, Source, YamlError
from ignition_py.report.diag import ERROR, WARNING, Entry, Place, Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from butane_py.variants import Variant
    from ignition_py.report.diag import Path
    from ignition_py.spec import tables as spec
    from ignition_py.spec.model import Struct


class Result:
    """`output` is the text (without a final newline), None where the report has errors; `source_map` the map, where it was asked for."""

    __slots__ = ("output", "report", "source_map")

    def __init__(self, output: str | None, report: Report, source_map: dict[str, Any] | None = None) -> None:
        self.output = output
        self.report = report
        self.source_map = source_map


_SILENCING = b"butane-py: ignore"  # the beginning of comments that silence reports; see lint/ignores.py


def compile_source(text: bytes, name: str, options: Options) -> Result:
    """Compiles one Butane config. `name` is what the report calls it."""
    report = Report()
    try:
        source = Source(text, name)
        row = _row(source, report)
        if row is None:
            return Result(None, report)
        work = Compilation(source, row, options)
        config = decode_config(work)
    except YamlError as error:
        report.entries.append(Entry(ERROR, "yaml", str(error), Place((), error.line or 1, error.column, name)))
        return Result(None, report)
    output = made = None
    if config is not None:
        compiled = _compile(work, config)
        if compiled is not None and not work.report.fatal:
            output = _emit(work, config, compiled)
            if options.source_map:
                from butane_py.emit.source_map import source_map

                made = source_map(work, compiled)
            if options.lint:
                from butane_py.lint import lint

                lint(work, config, compiled, output)
    complete = _without_twins(work.report)
    if options.lint or options.settings or _SILENCING in text:
        from butane_py.lint.ignores import filtered

        complete = filtered(complete, source, options.settings, lint=options.lint and output is not None)
    return Result(None if complete.fatal else output, complete, made)


def _without_twins(report: Report) -> Report:
    """The report without entries that say the same of the same place."""
    seen: set[tuple[object, ...]] = set()
    entries = []
    for entry in report:
        place = entry.place
        key = (entry.severity, entry.code, entry.message, place.path, place.line, place.column)
        if key not in seen:
            seen.add(key)
            entries.append(entry)
    return Report(entries)


def _row(source: Source, report: Report) -> Variant | None:
    """The row that the config names; explained in the report where there is none."""
    from butane_py.rows import find_row

    return find_row(source, report)


def decode_config(work: Compilation) -> tables.Config | None:
    """The typed config, with warnings for keys that mean nothing; None where types are wrong."""
    decoder = Decoder(work.source, work.row.levels)
    root = work.source.root
    assert root is not None
    config = decoder.struct(tables.Config, root, ())
    for problem in decoder.problems:
        place = Place(problem.path, problem.node.line, problem.node.column, work.source.name)
        work.report.entries.append(Entry(ERROR, "wrong-type", problem.message, place))
    if decoder.problems or config is None:
        return None
    if decoder.unusual:
        _unused(work, decoder, config, ())
    return config


def _unused(work: Compilation, decoder: Decoder, struct: Struct, path: Path) -> None:
    """Keys of the text that no field has. What an alias stands for is not looked at, as in the reference."""
    node = work.source.find(path)
    if node is not None and node.kind == MAPPING:
        known = decoder.fields(type(struct))
        for key, _ in node.items:
            if key.value not in known and not (work.options.allow_extensions and _extension(key.value, path)):
                _unused_key(work, known, key.value, path)
    elif node is not None:
        what = "an alias" if node.kind == ALIAS else "null" if node.kind == SCALAR else "a list"
        work.warning("not-checked", f"this is {what}: keys that mean nothing are not found here", path)
    for entry, value in struct.items():
        if entry.struct is None:
            continue
        if entry.many:
            for i, item in enumerate(value):
                _unused(work, decoder, item, (*path, entry.name, i))
        else:
            _unused(work, decoder, value, (*path, entry.name))
    _null_structs(work, decoder, struct, path)


def _extension(key: str, path: Path) -> bool:
    """True for keys that hold anchors or merge them: `x-…` at the top, `<<` anywhere."""
    return key == "<<" or (not path and key.startswith("x-"))


def _null_structs(work: Compilation, decoder: Decoder, struct: Struct, path: Path) -> None:
    """Structures that the text has as null: they count as empty."""
    node = work.source.find(path)
    if node is None or node.kind != MAPPING:
        return
    for name, entry in decoder.fields(type(struct)).items():
        found = node.entry(name)
        if entry.struct is None or entry.many or name in struct.__dict__ or found is None:
            continue
        if entry.nullable[0] <= work.row.spec < entry.nullable[1]:
            continue
        if found[1].kind != SCALAR:  # a null before this item of a list was left out, and the text is that of another item
            _unused(work, decoder, entry.struct(), (*path, name))
            continue
        work.warning("null-mapping", f"{name} is null where a mapping is expected; it counts as empty", (*path, name))


_SUGGESTIONS = 100  # reports; looking for near names takes time
_LONGEST = 100  # characters of a key that somebody may have mistyped


def _unused_key(work: Compilation, known: dict[str, Any], key: str, path: Path) -> None:
    from difflib import get_close_matches

    close = get_close_matches(key, list(known), 1) if len(work.report) < _SUGGESTIONS and len(key) < _LONGEST else []
    message = f"the key {key} means nothing here" + (f"; did you mean {close[0]}?" if close else "")
    work.report.entries.append(Entry(WARNING, "unused-key", message, work.source.key_place((*path, key))))


def _stopped(work: Compilation) -> bool:
    return work.report.fatal


def _compile(work: Compilation, config: tables.Config) -> spec.Config | None:
    """The Ignition config; None after the first step that found errors."""
    from butane_py.checks.after import check_absent_partitions, check_forbidden, check_ignition
    from butane_py.checks.source import check_source

    for finding in check_source(config, work.row):
        work.add(finding.severity, finding.code, finding.message, finding.path, finding.hint)
    if _stopped(work):
        return None
    output = desugar(work, config)
    if _stopped(work):
        return None
    check_forbidden(work, output)
    if _stopped(work):
        return None
    if work.row.machine_config and not work.options.raw:
        from butane_py.features.machine_config import check_twice

        check_twice(work, config)
    check_ignition(work, output)
    check_absent_partitions(work, output)
    return output


_ALWAYS_MERGED_SINCE = 5  # fcos 1.5.0 brought the boot loader's users, which are merged in even where there are none


def desugar(work: Compilation, config: tables.Config) -> spec.Config:
    from butane_py.translate import Translator

    translator = Translator(work)
    output: spec.Config = translator.struct(config)
    may_compress = translator.may_compress
    work.merged = work.row.fcos >= _ALWAYS_MERGED_SINCE or bool(work.row.spec and config.storage.filesystems)
    if any(getattr(each, "with_mount_unit", None) for each in config.storage.filesystems):
        from butane_py.features.mount_units import add_mount_units

        output = add_mount_units(work, output, config)
    if config.storage.has("trees"):
        from butane_py.features.trees import add_trees

        output = add_trees(work, output, config.storage.trees, may_compress=may_compress)
    if config.systemd.has("quadlets"):
        from butane_py.features.quadlets import add_quadlets

        output = add_quadlets(work, output, config.systemd.quadlets, may_compress=may_compress)
    if _stopped(work) or work.row.fcos < 0:
        return output
    return _fedora_coreos(work, config, output, may_compress=may_compress)


def _fedora_coreos(work: Compilation, config: tables.Config, output: spec.Config, *, may_compress: bool) -> spec.Config:
    """Sections of Fedora CoreOS, and of OpenShift on top of them."""
    from butane_py.checks.after import check_partitions, check_support

    if config.has("boot_device"):
        from butane_py.features.boot_device import add_boot_device

        output = add_boot_device(work, output, config.boot_device)
    check_partitions(work, output)
    if config.has("grub"):
        from butane_py.features.grub import add_grub

        output = add_grub(work, output, config.grub.users, may_compress=may_compress)
    if work.row.machine_config:
        from butane_py.features.machine_config import complete

        output = complete(work, config, output)
        check_support(work, output)
    return output


def _emit(work: Compilation, config: tables.Config, output: spec.Config) -> str:
    from butane_py.emit.json import emit_json, without_bad_bytes
    from ignition_py.spec.check import check_output
    from ignition_py.spec.encode import to_data

    data = to_data(output, work.row.spec)
    check_output(data, work.row.spec)
    if not work.row.spec:
        below = data["ignition"].get("config", {})  # sources are there always, by accident of the reference (docs/differences.md)
        below.update({"merge": [{"source": None, **child} for child in below["merge"]]} if "merge" in below else {})
        below.update({"replace": {"source": None, **below["replace"]}} if "replace" in below else {})
    if work.row.machine_config and not work.options.raw:
        from butane_py.emit.yaml import emit_yaml
        from butane_py.features.machine_config import wrap

        text = emit_yaml(wrap(config, data))
        return emit_yaml(without_bad_bytes(wrap(config, data))) if "\\uDC" in text else text
    return emit_json(data, pretty=work.options.pretty)
