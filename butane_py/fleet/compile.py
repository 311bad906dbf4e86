"""One config with all that it includes, for one host: files are expanded, compiled each by itself, and merged.

The passes are the compiler's own (butane_py/pipeline.py). What a build adds: references are replaced between parsing and decoding, and
included outputs are merged by Ignition's own merge, from left to right, the file itself last. What comes of it is checked once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from butane_py import pipeline
from butane_py.compilation import Compilation, Options
from butane_py.fleet import linting
from butane_py.fleet.evaluation import ReportedError
from butane_py.fleet.files import ParsedFile
from butane_py.fleet.include import DEEPEST, Inclusion, Located, NotIncludedError, inclusions, located
from butane_py.fleet.payloads import Payloads
from butane_py.fleet.scope import HostState, Scope
from butane_py.fleet.values import HostFacts, Value, plain
from butane_py.variants import BUILD, Variant
from butane_py.yaml.source import MAPPING, SCALAR, Node, YamlError
from ignition_py.record import Record
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Place, Related
from ignition_py.spec import tables as spec
from ignition_py.spec.merge import merge
from ignition_py.spec.upgrade import upgrade

if TYPE_CHECKING:
    from butane_py.fleet.program import Program

_MOST_FILES = 10_000  # of one host
_ONLY_MAIN = ("metadata", "openshift")
_BEFORE = (pipeline.decode, pipeline.check_written, pipeline.translate, pipeline.desugar_sections)
_CHECKS = (pipeline.check_forbidden, pipeline.check_output)


class Step(Record):
    """A file on the way from the main file to the one that is being compiled."""

    file: ParsedFile
    scope: Scope
    work: Compilation
    before: tuple[Step, ...] = ()


class HostBuild:
    """The compilation of a program for one host. `works` are those of all files, the main one's first."""

    def __init__(
        self, program: Program, given: Mapping[str, Value], host: HostFacts | None, options: Options | None = None
    ) -> None:
        """`options`: other ones than those of the program."""
        self.program = program
        self.options = options or program.options
        self.works: list[Compilation] = []
        self.files: list[ParsedFile] = []  # those of `works`
        self.edges: list[tuple[str, str]] = []  # files that include, and what each includes
        self.state = HostState(given, host, program.report_of_host())
        self.parts: list[Compilation] = []  # all compilations in the order in which their outputs are merged
        self.own: spec.Config  # the output of the main file alone in the newest version, where others are merged with it
        self._done: set[tuple[str, str]] = set()
        self._count = 0

    def run(self) -> Compilation | None:
        """Compiles everything; the main file's compilation after its last pass, None where it could not be begun."""
        main = self.program.main
        if main is None:
            return None
        parts = self._file(main, None, {}, None)
        work = self.works[0]
        if hasattr(work, "row"):
            parts = self._with_snippets(parts)
        if parts is None or self.fatal:
            return work
        self.parts = parts
        if len(parts) > 1:
            self.own = upgrade(work.output, work.row.spec)
            work.output, newest = _merged(parts)
            work.row = work.row.but(spec=newest)
            pipeline.run_passes(work, _CHECKS)
        if not work.report.fatal:
            pipeline.run_passes(work, (pipeline.emit, pipeline.map_source, pipeline.lint))
        if self.options.lint and not work.report.fatal:
            linting.lint_parts(self, parts)
        return work

    def _with_snippets(self, parts: list[Compilation] | None) -> list[Compilation] | None:
        """The parts with those of the snippets behind them; None with an error in the report."""
        for snippet in self.program.snippets:
            more = self._file(snippet, None, {}, None)
            parts = None if parts is None or more is None else [*parts, *more]
        return parts

    @property
    def fatal(self) -> bool:
        """True if there are errors so far."""
        return self.state.report.fatal or any(work.report.fatal for work in self.works)

    def _file(
        self, file: ParsedFile, parent: Step | None, passed: Mapping[str, Value], entry: Place | None
    ) -> list[Compilation] | None:
        """A file and all that it includes, compiled, in the order of merging; None with an error in the report."""
        scope = Scope(file, self.state, parent.scope if parent else None, passed)
        scope.bind()
        options = self.options
        work = Compilation(file.source.text, file.name, options.but(files_dir=file.files_dir))
        self.works.append(work)
        self.files.append(file)
        work.payloads = Payloads(self.program.payloads, scope.lookup)
        failures = scope.expander.failures
        root = file.expanded(scope.expander)
        whole = scope.expander.failures == failures and not file.fatal
        outer = None if work is self.works[0] else (parent.work if parent is not None else self.works[0]).row
        work.source = file.source.with_root(_headed(root, outer) if outer is not None else root)
        pipeline.run_passes(work, (pipeline.choose_row,))
        if work.report.fatal or (parent is not None and entry is not None and not self._fits(work, parent, entry)):
            return None
        work.row = work.row.but(
            sections={**work.row.sections, BUILD: 1}, machine_config=work.row.machine_config and outer is None
        )
        step = Step(file, scope, work, (*parent.before, parent) if parent is not None else ())
        parts = self._included(step)
        if not whole:
            return None
        pipeline.run_passes(work, (*_BEFORE, *_CHECKS))
        if parts is None or work.report.fatal:
            return None
        return [*parts, work]

    def _included(self, step: Step) -> list[Compilation] | None:
        """What a file includes, compiled."""
        parts: list[Compilation] | None = []
        for entry in step.file.includes:
            for inclusion in inclusions(entry, step.scope):
                found = self._inclusion(inclusion, step)
                parts = None if found is None or parts is None else [*parts, *found]
        return parts

    def _inclusion(self, inclusion: Inclusion, step: Step) -> list[Compilation] | None:
        """One included file, compiled; nothing for a file that is missing and may be, or was included the same way before."""
        entry = inclusion.entry
        self._count += 1
        chain = (*step.before, step)
        try:
            if len(chain) > DEEPEST or self._count > _MOST_FILES:
                most = f"more than {DEEPEST} files lie inside of one another" if len(chain) > DEEPEST else f"more than {_MOST_FILES} files"
                raise NotIncludedError("include-deep", most, "include files side by side")
            found = located(inclusion.path, step.file)
            if found is None:
                if entry.optional:
                    return []
                raise NotIncludedError("include-missing", f"there is no {inclusion.path} beside {step.file.name}", "correct the path")
            self._not_again(found, chain)
            return self._new(self._parsed(found), inclusion, step)
        except NotIncludedError as error:
            self.state.error(error.code, str(error), entry.place, error.hint)
            return None
        except OSError as error:
            message = f"{inclusion.path} cannot be read: {error.strerror or error}"
            self.state.error("include-missing", message, entry.place, "correct the path or the permissions")
        except ReportedError:
            pass
        return None

    def _parsed(self, found: Located) -> ParsedFile:
        """The file. Raises OSError, and ReportedError for a text that is no YAML."""
        try:
            return self.program.file(found)
        except YamlError as error:
            self.state.report.entries.append(pipeline.no_yaml(error, self.program.text(found.path), found.name))
            raise ReportedError from None

    def _new(self, file: ParsedFile, inclusion: Inclusion, step: Step) -> list[Compilation] | None:
        """A file, compiled; nothing where it was included with the same values before."""
        names = {key.value for key, _ in inclusion.entry.values}
        unknown = [key for key, _ in inclusion.entry.values if key.value not in file.declarations]
        for key in unknown:
            self._unknown(key, file, step)
        if unknown:
            return None
        passed = {name: value for name, value in inclusion.passed.items() if name in file.declarations or name in names}
        self.edges.append((step.file.name, file.name))
        identity = (file.path, repr(sorted((name, repr(plain(value))) for name, value in passed.items())))
        if identity in self._done:
            return []
        self._done.add(identity)
        return self._file(file, step, passed, inclusion.entry.place)

    @code(
        "var-unknown",
        title="A value is given for a variable that nobody declares",
        why="A typing error in the name would leave the variable at its default.",
        fix="Correct the name, or declare the variable in the file that is to use it.",
    )
    def _unknown(self, key: Node, file: ParsedFile, step: Step) -> None:
        from butane_py.linter.rule import near

        close = near(key.value, file.declarations)
        declared = ", ".join(file.declarations) or "nothing"
        hint = f"did you mean {close}?" if close else f"{file.name} declares {declared}"
        place = step.file.source.node_place(key, ("include",))
        self.state.error("var-unknown", f"{file.name} declares no `{key.value}`", place, hint)

    def _not_again(self, found: Located, chain: tuple[Step, ...]) -> None:
        """Refuses a file that is on the way to itself."""
        names = [step.file.name for step in chain]
        paths = [step.file.path for step in chain]
        if found.path in paths:
            circle = [*names[paths.index(found.path) + 1 :], found.name]
            message = ", which includes ".join([f"{names[paths.index(found.path)]} includes {circle[0]}", *circle[1:]])
            raise NotIncludedError("include-cycle", message, "take one of the includes away")

    def _fits(self, work: Compilation, parent: Step, entry: Place) -> bool:
        """True if a file may be included: its variant is the same, its version is not newer, and its sections are not the main file's."""
        row, outer = work.row, parent.work.row
        problem = None
        if row.name != outer.name:
            problem = ("include-variant", f"{work.name} is for {row.name}, and {parent.file.name} for {outer.name}", "variant")
        elif outer.older(row):
            problem = ("include-newer", f"{work.name} is {row}, newer than {parent.file.name} with {outer}", "version")
        for name in _ONLY_MAIN if problem is None else ():
            if work.source.find((name,)) is not None:
                problem = ("include-section", f"{work.name} has {name}, which only the main file can have", name)
        if problem is None:
            return True
        name, message, key = problem
        related = (Related(f"{key} stands here", work.source.place((key,))),)
        self.state.report.entries.append(Entry(ERROR, name, message, entry, related=related))
        return False


def _headed(root: Node | None, row: Variant) -> Node | None:
    """The root of an included file with the variant and version of the including one, where it has none of its own."""
    if root is None:
        root = Node(MAPPING, 1, 1)
    if root.kind != MAPPING:
        return root
    given = {key.value for key, _ in root.items}
    missing = {name: value for name, value in (("variant", row.name), ("version", row.version)) if name not in given}
    if not missing:
        return root
    made = Node(MAPPING, root.line, root.column, "", root.tag)
    made.end = root.end
    added = [(_scalar(root, name), _scalar(root, value)) for name, value in missing.items()]
    made.items = [*added, *root.items]
    return made


def _scalar(at: Node, text: str) -> Node:
    return Node(SCALAR, at.line, at.column, text, "", False)


def _merged(works: list[Compilation]) -> tuple[spec.Config, int]:
    """The outputs merged as Ignition merges configs at boot, each over those before it, and the newest of their versions, which it has."""
    result, *rest = [upgrade(work.output, work.row.spec) for work in works]
    for part in rest:
        result = merge(result, part)
    newest = max(work.row.spec for work in works)
    number = next(text for text, minor in spec.VERSIONS.items() if minor == newest)
    return result.but(ignition=result.ignition.but(version=number)), newest
