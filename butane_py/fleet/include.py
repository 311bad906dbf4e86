"""`include:` of a config: which files belong to it, for one host.

    include:
      - base.bu
      - {path: "roles/${{ role }}.bu", when: ${{ has_role }}}
      - {path: vlan.bu, each: ${{ vlans }}, as: vlan, with: {mtu: 9000}}
      - {path: site.bu, optional: true}

Entries are read once (`entries`), worked out for each host (`inclusions`), and found in the file system (`located`). Compiling and merging
the files is fleet/host.py's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from butane_py.fleet.evaluation import Operand, given
from butane_py.fleet.interpolation import Grafted
from butane_py.fleet.scope import Scope
from butane_py.fleet.values import WITH, Layer, Value, of_node
from butane_py.linter.rule import near
from butane_py.yaml.source import MAPPING, SCALAR, SEQUENCE, Node, YamlError
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.catalog import code, declare
from ignition_py.report.diag import ERROR, Path, Place, Related
from ignition_py.report.diag import Entry as ReportEntry

if TYPE_CHECKING:
    from butane_py.fleet.files import ParsedFile

MODULE = "module.bu"  # the config of a directory that is included
DEEPEST = 16  # files inside of one another
ITEM = "item"  # what each: calls its items, unless as: does
_KEYS = ("path", "with", "when", "each", "as", "optional")


class Entry(Record):
    """One entry as it is written. The nodes may hold references."""

    path: Node
    at: Path
    place: Place
    _: KW_ONLY
    values: tuple[tuple[Node, Node], ...] = ()  # of with:
    when: Node | None = None
    each: Node | None = None
    name: str = ITEM
    optional: bool = False


class Inclusion(Record):
    """A file to include: its path as written, the values that it is given, and the entry."""

    path: str
    passed: dict[str, Value]
    entry: Entry


class Located(Record):
    """A file that was found: its name for reports, its real path, its files directory, and where its own includes stay."""

    name: str
    path: str
    files_dir: str | None
    roots: tuple[str, ...]


class NotIncludedError(ValueError):
    """A file cannot be included: the code of the reason and the way out."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


@code(
    "include-entry",
    title="An entry of include: is not as it has to be",
    why="An entry is a path, or a mapping with path and any of with, when, each, as and optional.",
    fix="Write `- base.bu`, or `- {path: base.bu, optional: true}`.",
    wrong="include:\n  - {file: base.bu}\n",
    right="include:\n  - {path: base.bu, optional: true}\n",
    build=True,
)
def entries(file: ParsedFile, node: Node) -> list[Entry]:
    """The entries of `include:`; what is wrong with them goes to the report of the file."""
    if node.kind != SEQUENCE:
        if node.kind != SCALAR or node.value not in ("", "~", "null") or not node.plain:
            _refuse(file, node, ("include",), "include is a list of paths", "write a dash before each path")
        return []
    found = []
    for index, item in enumerate(node.items):
        at: Path = ("include", index)
        if item.kind == SCALAR:
            found.append(Entry(item, at, file.source.node_place(item, at)))
        elif item.kind == MAPPING:
            entry = _mapping(file, item, at)
            found += [entry] if entry is not None else []
        else:
            _refuse(file, item, at, "an entry of include is a path or a mapping", "write `- {path: base.bu}`")
    return found


def _refuse(file: ParsedFile, node: Node, at: Path, message: str, hint: str) -> None:
    file.report.entries.append(ReportEntry(ERROR, "include-entry", message, file.source.node_place(node, at), hint))


def _mapping(file: ParsedFile, node: Node, at: Path) -> Entry | None:
    """An entry that is a mapping; None with an error in the report."""
    keys: dict[str, Node] = {}
    errors = len(file.report)
    for key, value in node.items:
        if key.value not in _KEYS:
            close = near(key.value, _KEYS)
            hint = f"did you mean {close}?" if close else f"known are {', '.join(_KEYS)}"
            _refuse(file, key, at, f"an entry of include has no key `{key.value[:60]}`", hint)
        elif key.value in keys:
            _refuse(file, key, at, f"`{key.value}` is given twice", "remove one of the two")
        keys[key.value] = value
    optional, name, values = keys.get("optional"), keys.get("as"), keys.get("with")
    if "path" not in keys:
        _refuse(file, node, at, "an entry of include has a path", "write `path: base.bu`")
    elif keys["path"].kind != SCALAR:
        _refuse(file, keys["path"], (*at, "path"), "path is one path", "write an entry for each path")
    if optional is not None and (optional.kind != SCALAR or optional.value not in ("true", "false")):
        _refuse(file, optional, (*at, "optional"), "optional is true or false", "write optional: true")
    if name is not None and (name.kind != SCALAR or not name.value.isidentifier() or not name.value.isascii() or name.value == "host"):
        _refuse(file, name, (*at, "as"), "as is the name of a variable", "write as: vlan, for example")
    if name is not None and "each" not in keys:
        _refuse(file, name, (*at, "as"), "as names the items of each, and there is no each", "remove as, or add each")
    if values is not None and (values.kind != MAPPING or any(key.kind != SCALAR for key, _ in values.items)):
        _refuse(file, values, (*at, "with"), "with is a mapping of variables to values", "write with: {port: 9100}")
    if len(file.report) > errors:
        return None
    return Entry(
        keys["path"],
        at,
        file.source.node_place(keys["path"], (*at, "path")),
        values=tuple(values.items) if values is not None else (),
        when=keys.get("when"),
        each=keys.get("each"),
        name=name.value if name is not None else ITEM,
        optional=optional is not None and optional.value == "true",
    )


def inclusions(entry: Entry, scope: Scope) -> Iterator[Inclusion]:
    """The files that an entry includes for the host of `scope`. Errors go to the report."""
    if entry.when is not None and not _holds(entry, entry.when, scope):
        return
    for item in _items(entry, scope):
        scope.locals = {entry.name: item} if item is not None else {}
        try:
            path = scope.expander.node(entry.path, (*entry.at, "path"))
            if path is None:
                continue  # null, or an error that was reported
            passed = {entry.name: item.value} if item is not None else {}
            passed.update(_passed(entry, scope))
        finally:
            scope.locals = {}
        if path.kind != SCALAR or not path.value:
            _error(scope, entry, "include-missing", "the path is empty" if path.kind == SCALAR else "the path is a list or a mapping")
            continue
        yield Inclusion(path.value, passed, entry)


def _error(scope: Scope, entry: Entry, code: str, message: str, hint: str = "", related: tuple[Related, ...] = ()) -> None:
    scope.state.error(code, message, entry.place, hint, related)


def _passed(entry: Entry, scope: Scope) -> Iterator[tuple[str, Value]]:
    """The values of with:, null ones left out."""
    for key, node in entry.values:
        at = (*entry.at, "with", key.value)
        expanded = scope.expander.node(node, at)
        if expanded is None:
            continue
        try:
            value = of_node(expanded, scope.file.source, Layer(WITH, entry.place.source), at)
        except YamlError as error:
            _error(scope, entry, "include-entry", str(error), error.hint)
            continue
        if not value.is_null:
            yield key.value, value


@code(
    "include-when",
    title="The condition of an include is not true or false",
    why="when: takes a bool and nothing else, so that no text, number or list decides by accident.",
    fix="Declare the variable as bool, or write true or false.",
    wrong="include:\n  - {path: base.bu, when: sometimes}\n",
    right="include:\n  - {path: base.bu, when: false}\n",
    build=True,
)
def _holds(entry: Entry, node: Node, scope: Scope) -> bool:
    """True if the condition holds. Errors count as false."""
    if node.kind == SCALAR and node.plain and node.value in ("true", "false"):
        return node.value == "true"
    at = (*entry.at, "when")
    failures = scope.expander.failures
    expanded = scope.expander.node(node, at)
    if scope.expander.failures > failures:
        return False
    if expanded is not None and expanded.kind == SCALAR and expanded.plain and expanded.value in ("true", "false"):
        return expanded.value == "true"
    uses = expanded.uses if isinstance(expanded, Grafted) else ()
    place = scope.file.source.node_place(node, at)
    hint = "write true or false, or declare the variable as bool"
    scope.state.error("include-when", "when is not true or false", place, hint, tuple(map(given, uses)))
    return False


@code(
    "include-each",
    title="What each: goes through is not a list",
    why="A file is included once for each item of a list.",
    fix="Declare the variable as a list, such as [string], or write a list in brackets.",
    wrong="include:\n  - {path: base.bu, each: web}\n",
    right="include:\n  - {path: base.bu, each: []}\n",
    build=True,
)
def _items(entry: Entry, scope: Scope) -> Iterator[Operand | None]:
    """The items of each:, or None once where there is no each:."""
    node = entry.each
    if node is None:
        yield None
        return
    at = (*entry.at, "each")
    failures = scope.expander.failures
    operand = scope.expander.operand(node, at)
    expanded = scope.expander.node(node, at)
    if scope.expander.failures > failures:
        return
    if expanded is None or expanded.kind != SEQUENCE:
        uses = expanded.uses if isinstance(expanded, Grafted) else ()
        place = scope.file.source.node_place(node, at)
        hint = "declare the variable as a list, such as [string]"
        scope.state.error("include-each", "each is not a list", place, hint, tuple(map(given, uses)))
        return
    if operand is None:
        try:
            operand = Operand(of_node(expanded, scope.file.source, Layer(WITH, entry.place.source), at))
        except YamlError as error:
            _error(scope, entry, "include-each", str(error), error.hint)
            return
    item_type = operand.type.item if operand.type is not None else None
    for item in operand.value.items:
        yield Operand(item, item_type)


@code(
    "include-outside",
    title="An included file lies outside",
    why="A file includes what lies below its own directory or the files directory, so that a config from elsewhere reads nothing else.",
    fix="Move the file below the directory. Paths have no .., are not absolute, and symbolic links may not lead out.",
    wrong="include:\n  - ../base.bu\n",
    right="include:\n  - {path: base.bu, optional: true}\n",
    build=True,
)
@code(
    "include-missing",
    title="An included file cannot be read",
    why="The path is relative to the file that includes. A directory is a module and needs a module.bu.",
    fix="Correct the path, or write `optional: true` where the file may be missing.",
    wrong="include:\n  - base.bu\n",
    right="include:\n  - {path: base.bu, optional: true}\n",
    build=True,
)
def located(path: str, file: ParsedFile) -> Located | None:
    """The file that `file` includes by `path`; None where none is there. Raises NotIncludedError."""
    if os.path.isabs(path) or ".." in path.split("/"):
        what = "is absolute" if os.path.isabs(path) else "has .. in it"
        raise NotIncludedError("include-outside", f"{path} {what}", "write a path below the directory of this file")
    if not file.roots:
        raise NotIncludedError("include-outside", f"{path} lies beside no file: this text has no folder", "name a files directory")
    if not may_exist(path):
        return None
    folder, real_folder = os.path.dirname(file.name), os.path.dirname(file.path)
    name, real = os.path.join(folder, path), os.path.realpath(os.path.join(real_folder, path))
    if not os.path.lexists(os.path.join(real_folder, path)):
        return None
    if not _below(real, file.roots):
        message = f"{path} leads out of {' and '.join(file.roots)}"
        raise NotIncludedError("include-outside", message, "replace the symbolic link by the file")
    if os.path.isdir(real):
        module = os.path.realpath(os.path.join(real, MODULE))
        if not _below(module, (real,)):
            raise NotIncludedError("include-outside", f"{path}/{MODULE} leads out of the module", "replace the symbolic link by the file")
        if not os.path.isfile(module):
            raise NotIncludedError("include-missing", f"the directory {path} has no {MODULE}", f"a module is a directory with {MODULE}")
        return Located(os.path.join(name, MODULE), module, real, (real,))
    if not os.path.exists(real):
        raise NotIncludedError("include-missing", f"{path} is a symbolic link to nothing", "correct the link")
    return Located(name, real, file.files_dir, file.roots)


def may_exist(path: str) -> bool:
    """True if a file can have that name: no NUL, no half of a surrogate pair, which a value can hold."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


declare(
    "include-cycle",
    title="Files include each other",
    why="Each of them would have to be merged before the other.",
    fix="Take one of the includes away, or move what both need into a file of its own.",
)
declare(
    "include-deep",
    title="Includes are nested too deep",
    why=f"At most {DEEPEST} files lie inside of one another, and a build of one host has at most 10,000, so that every build ends.",
    fix="Include more files side by side.",
)
declare(
    "include-newer",
    title="An included file is of a newer version",
    why="The output has the version of the including file, which may not be able to say what the newer one says.",
    fix="Give the including file the newer version, or the included one the older.",
)
declare(
    "include-variant",
    title="An included file is of another variant",
    why="Variants are different systems; what is right for one need not be for the other.",
    fix="Give both the same variant, or leave variant and version out of the included file: it then has those of the including one.",
)
declare(
    "include-section",
    title="A section stands in an included file that only the main file can have",
    why="metadata and openshift describe the whole MachineConfig, which has them once.",
    fix="Move the section to the main file.",
)
