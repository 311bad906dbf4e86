"""What all passes of one compilation share: the text, the options, the report, and what the passes so far have made.

Passes add to the report through it, either at a path of the YAML text (`error`, `warning`) or at a path of the output
(`at_output`), which is taken back to the YAML that caused it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from butane_py.variants import Variant
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import ERROR, WARNING, Entry, Path, Place, Related, Report
from ignition_py.spec.model import Origin
from ignition_py.spec.rules.registry import Finding
from ignition_py.spec.tables import Config

if TYPE_CHECKING:
    from butane_py import tables
    from butane_py.fleet.payloads import Payloads
    from butane_py.linter.settings import Settings
    from butane_py.resources import LocalFileError
    from butane_py.yaml.source import At, Source


class Options(Record):
    """How to compile.

    `files_dir` is the directory that local files may come from; `raw` writes an Ignition config where the variant has a
    MachineConfig; `pretty` indents the JSON; `at_boot` is set by the executor, where there are no local files; `lint` adds the
    warnings of the linter, whose settings are `settings` (None: the defaults); with `allow_extensions` keys `x-…` at the top
    and `<<` are not unknown keys; `source_map` asks for the map that emit/source_map.py describes; `target` is the system that the
    config is for, as `--target` names it ("": what the variant writes); without `packs` texts are neither compressed nor in base64, so
    that the config as a whole packs well.
    """

    files_dir: str | None = None
    _: KW_ONLY
    pretty: bool = False
    raw: bool = False
    at_boot: bool = False
    lint: bool = False
    settings: Settings | None = None
    allow_extensions: bool = False
    source_map: bool = False
    target: str = ""
    packs: bool = True


class Compilation:
    """One config on its way through the compiler. Each attribute below `report` is set by the pass that makes it."""

    def __init__(self, data: bytes, name: str, options: Options) -> None:
        self.data = data
        self.name = name
        self.options = options
        self.report = Report()
        self.source: Source
        self.row: Variant
        self.config: tables.Config  # as it is written
        self.output: Config  # the Ignition config
        # After a merge of sugar the reference no longer knows the origin of empty values; see `Feature.merges`.
        self.forgets_empty_origins = False
        self.document: dict[str, Any]  # the output as dicts and lists
        self.text: str | None = None  # of the output, without a final newline
        self.source_map: dict[str, Any] | None = None
        self.payloads: Payloads | None = None  # what replaces references in local files; a build sets it

    @property
    def wraps(self) -> bool:
        """True if the output is a MachineConfig."""
        return self.row.machine_config and not self.options.raw

    def add(self, severity: str, code: str, message: str, path: Path, hint: str = "", **more: Any) -> None:
        """Adds a diagnostic at a path of the YAML text. `more` is `related` and `fix` of the entry."""
        self.report.entries.append(Entry(severity, code, message, self.source.place(path), hint, **more))

    def error(self, code: str, message: str, path: Path, hint: str = "") -> None:
        self.add(ERROR, code, message, path, hint)

    def warning(self, code: str, message: str, path: Path, hint: str = "") -> None:
        self.add(WARNING, code, message, path, hint)

    def interpolated(self, contents: bytes, local: str, path: Path) -> bytes:
        """The contents of a local file with its references replaced; `path` is that of the key that asks for it."""
        return self.payloads.replaced(self, contents, local, path) if self.payloads is not None else contents

    def interpolates(self, patterns: tuple[str, ...], name: str, path: Path) -> bool:
        """True if references count in the file `name` of a tree, whose patterns these are."""
        return self.payloads is not None and self.payloads.chosen(self, patterns, name, path)

    def local_file_error(self, error: LocalFileError, origin: Origin | None, *more: str | int) -> None:
        """Adds the error of a local file that `origin` names."""
        self.error(error.code, str(error), (*getattr(origin, "path", ()), *more))

    def at_output(self, config: Config, severity: str, code: str, message: str, path: Path, hint: str = "", **more: Any) -> None:
        """Adds a diagnostic at a path of the output."""
        self.report.entries.append(Entry(severity, code, message, self.output_place(config, path), hint, **more))

    def add_finding(self, finding: Finding) -> None:
        """Adds what a check of the config as it is written has found."""
        from butane_py.yaml.source import At

        related = [Related(message, self.source.place(path)) for message, path in finding.related]
        changed = At(self.source, finding.fix.path) if finding.fix else None
        self._add_finding(finding, self.source.place(finding.path), related, changed)

    def add_output_finding(self, config: Config, finding: Finding) -> None:
        """Adds what a rule of the Ignition language has found in the output."""
        related = []
        for message, path in finding.related:
            found = self._traced(config, path)
            if found is not None:
                related.append(Related(message, found.place()))
        changed = self._traced(config, finding.fix.path) if finding.fix is not None else None
        if changed and finding.fix is not None:
            node = changed.source.find(changed.path)
            if node is None or node.value != _value(config, finding.fix.path):
                changed = None  # the value is not the one of the text: sugar made it
        self._add_finding(finding, self.output_place(config, finding.path), related, changed)

    def _add_finding(self, finding: Finding, place: Place, related: list[Related], changed: At | None) -> None:
        fix = None
        if finding.fix is not None and changed:
            from butane_py.yaml.edits import scalar_fix

            fix = scalar_fix(changed.source, changed.path, finding.fix.value, finding.fix.title)
        entry = Entry(finding.severity, finding.code, finding.message, place, finding.hint, related=tuple(related), fix=fix)
        self.report.entries.append(entry)

    def output_place(self, config: Config, path: Path) -> Place:
        """The place in the YAML text of what made `path` of the output.

        What nothing made (a field that is missing) keeps its own path, as the reference reports it; in a MachineConfig
        that path starts at the MachineConfig.
        """
        found = self._traced(config, path)
        if found is not None:
            return found.place()
        return self.source.place(("spec", "config", *path) if self.wraps else path)

    def _traced(self, config: Config, path: Path) -> At | None:
        """What stands in the YAML text behind a path of the output, None if there is nothing."""
        from butane_py.places import traced

        return traced(config, path, self.row.spec, empty_too=not self.forgets_empty_origins)


def _value(config: Config, path: Path) -> object:
    """What `path` (field names and indexes) names in the output; None if there is nothing."""
    value: Any = config
    for part in path:
        value = getattr(value, part, None) if isinstance(part, str) else value[part]
    return value
