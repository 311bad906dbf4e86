"""A config and the files that it includes, read once and compiled for many hosts.

    program = Program.load("node.bu", Options())
    result = build_host(program, {"hostname": value})
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from butane_py.compilation import Options
from butane_py.fleet.compile import HostBuild
from butane_py.fleet.declarations import Declaration
from butane_py.fleet.files import ParsedFile, read_regular
from butane_py.fleet.include import Located, NotIncludedError, located
from butane_py.fleet.inventory.document import refused
from butane_py.fleet.payloads import PayloadCache
from butane_py.fleet.reporting import host_result
from butane_py.fleet.result import HostResult
from butane_py.fleet.values import HostFacts, Value
from butane_py.pipeline import no_yaml
from butane_py.yaml.source import YamlError
from ignition_py.report.diag import ERROR, Entry, Place, Report
from ignition_py.system.streams import reason


class Program:
    """A main file with the cache of the files that it includes. One Program compiles all hosts of a build.

    main: the main file, None where its text is no YAML; `report` then says why. snippets: files whose outputs are merged over that of the
    main file.
    """

    def __init__(self, name: str, text: bytes, options: Options, *, lies_there: bool = True) -> None:
        """`name` is the path of the main file, and what reports call it; nothing else is read yet.

        lies_there: False for a text that lies in no folder; it includes files of the files directory alone.
        """
        self.name = name
        self.options = options
        self.payloads = PayloadCache()
        self.report = Report()
        self.main: ParsedFile | None = None
        self._files: dict[tuple[str, str | None], ParsedFile | YamlError] = {}
        self._texts: dict[str, bytes] = {}
        self.snippets: list[ParsedFile] = []
        self._lies_there = lies_there
        self.main = self._parsed(name, text)

    def add_snippet(self, name: str, text: bytes) -> None:
        """Adds a text whose output is merged over those of the main file and of the snippets before it."""
        snippet = self._parsed(name, text)
        if snippet is not None:
            self.snippets.append(snippet)

    def _parsed(self, name: str, text: bytes) -> ParsedFile | None:
        """A file that nothing includes; None with an entry in the report for a text that is no YAML."""
        files_dir = self.options.files_dir
        below = [os.path.realpath(files_dir)] if files_dir else []
        real = os.path.realpath(name) if self._lies_there else os.path.join(*below, os.path.basename(name))
        self._texts[real] = text
        roots = [os.path.dirname(real), *below] if self._lies_there else below
        try:
            found = ParsedFile(name, real, text, files_dir, tuple(dict.fromkeys(roots)))
        except YamlError as error:
            self.report.entries.append(no_yaml(error, text, name))
            return None
        self._files[real, files_dir] = found
        return found

    @classmethod
    def load(cls, path: str, options: Options) -> Program:
        """The program of a file. Raises OSError where it cannot be read."""
        with open(path, "rb") as file:
            return cls(path, file.read(), options)

    def file(self, found: Located) -> ParsedFile:
        """An included file. Raises OSError, ValueError and YamlError."""
        key = (found.path, found.files_dir)
        known = self._files.get(key)
        if known is None:
            text = self._texts[found.path] = read_regular(found.path)
            try:
                known = ParsedFile(found.name, found.path, text, found.files_dir, found.roots)
            except YamlError as error:
                known = error
            self._files[key] = known
        if isinstance(known, YamlError):
            raise known
        return known

    def text(self, path: str) -> bytes:
        """The text of a file that was read, by its real path."""
        return self._texts[path]

    def shown_text(self, name: str) -> bytes | None:
        """The text of a config as reports may show it, the values that it gives to secrets masked; None for other files."""
        file = next((each for each in self.files if each.name == name), None)
        if file is None:
            return self._texts.get(os.path.realpath(name)) if name == self.name else None
        secrets = {name for each in self.files for name, declaration in each.declarations.items() if declaration.secret}
        nodes = [each.default for each in file.declarations.values() if each.name in secrets and each.default is not None]
        nodes += [value for entry in file.includes for key, value in entry.values if key.value in secrets]
        return file.source.masked(nodes) if nodes else file.source.text

    def report_of_host(self) -> Report:
        """The report that every host begins with."""
        return Report(self.report.entries)

    @property
    def files(self) -> list[ParsedFile]:
        """The files that were parsed so far, the main file first."""
        return [file for file in self._files.values() if isinstance(file, ParsedFile)]

    @property
    def declarations(self) -> dict[str, Declaration]:
        """The variables of the files that were parsed so far, and of those that they include under fixed names."""
        self._read_fixed()
        found: dict[str, Declaration] = {}
        for file in self.files:
            for name, declaration in file.declarations.items():
                found.setdefault(name, declaration)
        return found

    def _read_fixed(self) -> None:
        """Parses the files that are included under names without references; what is wrong with them a build reports."""
        waiting = self.files
        while waiting:
            file = waiting.pop()
            for entry in file.includes:
                if file.template is not None and id(entry.path) in file.template.changing:
                    continue
                try:
                    found = located(entry.path.value, file)
                    if found is not None and (found.path, found.files_dir) not in self._files:
                        waiting.append(self.file(found))
                except (NotIncludedError, OSError, ValueError):
                    continue

    @property
    def reads(self) -> frozenset[str]:
        """The configs that were read so far, by their real paths."""
        return frozenset(self._texts)


def load(path: str, options: Options) -> Program:
    """The program of a file. Raises ConfigError where it cannot be read."""
    try:
        return Program.load(path, options)
    except OSError as error:
        raise refused(Entry(ERROR, "input-file", reason(error), Place((), source=path))) from None


def build_host(
    program: Program, values: Mapping[str, Value], host: HostFacts | None = None, options: Options | None = None
) -> HostResult:
    """Compiles the program for one host (None: no inventory) with the values that the precedence chain has left.

    Nothing is raised for a bad config or a bad value: the report of the result has it, with secrets left out. Raises ConfigError for
    linter settings and rules that cannot be used. `options`: other ones than those of the program.
    """
    build = HostBuild(program, values, host, options)
    return host_result(build, build.run())


