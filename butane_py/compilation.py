"""What every step of one compilation shares: the row, the source, the options and the report.

Steps add to the report through it, either at a path of the YAML text (`error`, `warning`) or at a path of the output
(`at_output`), which is taken back to the YAML that caused it.
"""

from __future__ import annotations

from ignition_py.report.diag import ERROR, WARNING, Entry, Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.lint.settings import Settings
    from butane_py.variants import Variant
    from butane_py.yaml.source import Source
    from ignition_py.report.diag import Path, Place
    from ignition_py.spec.tables import Config


class Options:
    """`files_dir`: where local files may come from; `raw`: never wrap into a MachineConfig; `pretty`: indented JSON;
    `at_boot`: compiled by the executor, where there are no local files; `lint`: warn of more than the reference does;
    `settings`: of the linter (None: the defaults); `allow_extensions`: keys `x-…` at the top and `<<` are not unknown keys;
    `source_map`: make the map that source_map.py tells of."""

    __slots__ = ("allow_extensions", "at_boot", "files_dir", "lint", "pretty", "raw", "settings", "source_map")

    def __init__(
        self,
        files_dir: str | None = None,
        *,
        pretty: bool = False,
        raw: bool = False,
        at_boot: bool = False,
        lint: bool = False,
        settings: Settings | None = None,
        allow_extensions: bool = False,
        source_map: bool = False,
    ) -> None:
        self.allow_extensions = allow_extensions
        self.at_boot = at_boot
        self.files_dir = files_dir
        self.lint = lint
        self.pretty = pretty
        self.raw = raw
        self.settings = settings
        self.source_map = source_map


class Compilation:
    """One config on its way through the compiler."""

    __slots__ = ("merged", "options", "report", "row", "source")

    def __init__(self, source: Source, row: Variant, options: Options) -> None:
        self.source = source
        self.row = row
        self.options = options
        self.report = Report()
        # Has the output been merged with sugar? The reference then forgets where empty values came from.
        self.merged = False

    def add(self, severity: str, code: str, message: str, path: Path, hint: str = "") -> None:
        """Adds a diagnostic at a path of the YAML text."""
        self.report.entries.append(Entry(severity, code, message, self.source.place(path), hint))

    def error(self, code: str, message: str, path: Path, hint: str = "") -> None:
        self.add(ERROR, code, message, path, hint)

    def warning(self, code: str, message: str, path: Path, hint: str = "") -> None:
        self.add(WARNING, code, message, path, hint)

    def at_output(self, config: Config, severity: str, code: str, message: str, path: Path, hint: str = "") -> None:
        """Adds a diagnostic at a path of the output."""
        self.report.entries.append(Entry(severity, code, message, self.output_place(config, path), hint))

    def output_place(self, config: Config, path: Path) -> Place:
        """The place in the YAML text of what made `path` of the output.

        What nothing made (a field that is missing) keeps its own path, as the reference reports it; in a MachineConfig
        that path starts at the MachineConfig.
        """
        from butane_py.places import traced

        found = traced(config, path, self.row.spec, empty_too=not self.merged)
        if found is None:
            wrapped = self.row.machine_config and not self.options.raw
            found = ("spec", "config", *path) if wrapped else path
        return self.source.place(found)
