"""`butane-py upgrade --to VERSION config.bu`: a config rewritten to a newer version of its variant.

The text is edited where it has to change and nowhere else, so comments, order, quotes, indents and line ends stay byte for byte;
ruamel.yaml's round trip would set some of them anew. What the change means is found by compiling both texts and comparing what
comes out.
"""

from __future__ import annotations

import re

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.rows import find_row
from butane_py.variants import FCOS, VARIANTS, Variant
from butane_py.yaml.source import MAPPING, SCALAR, Node, Source, YamlError
from ignition_py.goflags import POSIX, SWITCH, TEXT, Flag, HelpRequested, Parser, UsageError
from ignition_py.report.diag import ERROR, Report, path_text
from ignition_py.system.streams import read_stdin, say, write_stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from butane_py.result import Result
    from ignition_py.report.diag import Path

FLAGS = (
    Flag("files-dir", TEXT, "directory that local files may be embedded from", short="d", noun="folder"),
    Flag("in-place", SWITCH, "write the file anew", short="i"),
    Flag("output", TEXT, "file to write (default: standard output)", short="o", noun="file"),
    Flag("to", TEXT, "version to rewrite to, or latest for the newest that is not experimental", noun="version"),
)
LATEST = "latest"
_LAYOUT_NEEDED_SINCE = 7  # version of the Fedora CoreOS sections that no longer assume x86_64 for a mirror
_SPECIAL_BITS_SINCE = 6  # minor version of the Ignition spec that sets them
_MOST_SHOWN = 40


class UpgradeError(ValueError):
    """The config cannot be rewritten; the message says why."""


def main(program: str, argv: Sequence[str]) -> int:
    """Rewrites one config; 0 done, 1 refused, 2 wrong usage. Raises OSError."""
    about = "Rewrites a Butane config to a newer version of its variant, and says what that changes in its meaning."
    command = Parser(program, FLAGS, manner=POSIX, about=about, operands="file")
    try:
        values = command.parse(argv)
        if len(values.arguments) != 1:
            raise UsageError("one file is rewritten at a time")
        if not values.text("to"):
            raise UsageError(f"--to is needed: the version to rewrite to, or {LATEST}")
        if values.on("in-place") and values.text("output"):
            raise UsageError("give --in-place or --output, not both")
        if values.on("in-place") and values.arguments[0] == "-":
            raise UsageError("standard input cannot be written in place: leave --in-place out")
    except UsageError as error:
        return command.show_usage_error(error)
    except HelpRequested:
        write_stdout(command.usage())
        return 0
    path = values.arguments[0]
    try:
        if path == "-":
            path, data = "<stdin>", read_stdin()
        else:
            with open(path, "rb") as file:
                data = file.read()
        text, notes = upgraded(data, path, values.text("to"), values.text("files-dir") or None)
        _write(text, path if values.on("in-place") else values.text("output"))
    except UpgradeError as error:
        say(f"{path}: {error}\n")
        return 1
    say("".join(f"{path}: {note}\n" for note in notes))
    return 0


def _write(text: bytes, path: str) -> None:
    if path and path != "-":
        from butane_py.files import write_output

        write_output(path, text)
    else:
        write_stdout(text)


def upgraded(data: bytes, name: str, wanted: str, files_dir: str | None = None) -> tuple[bytes, list[str]]:
    """The rewritten text, and what the change means, a sentence each. Raises UpgradeError."""
    source, row = _read(data, name)
    target = _target(row, wanted)
    options = Options(files_dir)
    before = compile_source(data, name, options)
    _refuse(before, f"does not compile as {row}; repair it first")
    if target is row:
        return data, [f"is {row} already; nothing was changed"]
    edits = [_version_edit(source, target)]
    notes = [f"{row} became {target}; the output is Ignition 3.{target.spec}, it was 3.{row.spec}"]
    layout = _layout_edit(source, row, target)
    if layout is not None:
        edits.append(layout)
        notes.append("boot_device.layout is now needed for a mirror: x86_64 was written, which had been assumed")
    text = _edited(data, edits)
    after = compile_source(text, name, options)
    _refuse(after, f"would not compile as {target}")
    return text, notes + _meaning(before, after, row, target)


def _read(data: bytes, name: str) -> tuple[Source, Variant]:
    report = Report()
    try:
        source = Source(data, name)
        row = find_row(source, report)
    except YamlError as error:
        raise UpgradeError(f"line {error.line}: {error}") from None
    if row is None:
        raise UpgradeError("; ".join(entry.message for entry in report))
    return source, row


def _target(row: Variant, wanted: str) -> Variant:
    rows = [each for each in VARIANTS.values() if each.name == row.name]
    if wanted == LATEST:
        target = [each for each in rows if "-" not in each.version][-1]
    else:
        target = VARIANTS.get((row.name, wanted), row)
        if (row.name, wanted) not in VARIANTS:
            raise UpgradeError(f"{row.name} has no version {wanted}; it has {', '.join(each.version for each in rows)}")
    if rows.index(target) < rows.index(row):
        raise UpgradeError(f"is {row}, which is newer than {target.version}; configs are only rewritten to newer versions")
    return target


def _refuse(result: Result, why: str) -> None:
    errors = [entry for entry in result.report if entry.severity == ERROR]
    if errors:
        lines = "".join(f"\n  {entry.raw()}" for entry in errors)
        raise UpgradeError(f"{why}:{lines}")


class Edit:
    """`old` at a line and column (from 1) becomes `new`."""

    __slots__ = ("column", "line", "new", "old")

    def __init__(self, node: Node, old: str, new: str) -> None:
        self.line = node.line
        self.column = node.column
        self.old = old
        self.new = new


def _version_edit(source: Source, target: Variant) -> Edit:
    found = source.root.entry("version") if source.root else None
    node = found[1] if found else None
    if node is None or node.kind != SCALAR:
        raise UpgradeError("version is not written as a plain value, so it is not rewritten; write it directly")
    quote = "" if node.plain else _at(source.text, node)[:1]
    return Edit(node, f"{quote}{node.value}{quote}", f"{quote}{target.version}{quote}")


def _layout_edit(source: Source, row: Variant, target: Variant) -> Edit | None:
    """The layout that used to be assumed, as the first key of boot_device."""
    node = source.find(("boot_device",))
    if row.has(FCOS, since=_LAYOUT_NEEDED_SINCE) or not target.has(FCOS, since=_LAYOUT_NEEDED_SINCE):
        return None
    if node is None or node.kind != MAPPING:
        return None
    devices = source.find(("boot_device", "mirror", "devices"))
    if node.entry("layout") or devices is None or not devices.items:
        return None
    first = node.items[0][0]
    flow = _at(source.text, node).startswith("{")
    between = ", " if flow else "\n" + " " * (first.column - 1)
    return Edit(first, "", f"layout: x86_64{between}")


def _at(text: bytes, node: Node) -> str:
    """The rest of the line that a node begins in."""
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", text.decode("utf-8-sig"))
    return lines[node.line - 1][node.column - 1 :]


def _edited(data: bytes, edits: list[Edit]) -> bytes:
    """The text with all edits made, the last first. Raises UpgradeError where the text is not what was expected."""
    pieces = re.split("(\r\n|[\r\n\x85\u2028\u2029])", data.decode("utf-8"))
    for edit in sorted(edits, key=lambda each: (each.line, each.column), reverse=True):
        line = pieces[2 * edit.line - 2]
        start = edit.column - 1 + (edit.line == 1 and line.startswith("\ufeff"))
        if not line.startswith(edit.old, start):
            raise UpgradeError(f"line {edit.line} is written in a way that is not rewritten: write {edit.new} there yourself")
        pieces[2 * edit.line - 2] = line[:start] + edit.new + line[start + len(edit.old) :]
    return "".join(pieces).encode("utf-8")


def _meaning(before: Result, after: Result, row: Variant, target: Variant) -> list[str]:
    """What is different in the outputs and in the reports."""
    notes = []
    old, new = _data(before), _data(after)
    for path in _differences(old, new, ()):
        if path[-1:] != ("version",):
            notes.append(f"the output differs at {path_text(path)}")
    if row.spec < _SPECIAL_BITS_SINCE <= target.spec:
        notes += [
            f"line {entry.place.line}: setuid, setgid and sticky bits take effect from here on ({path_text(entry.place.path)})"
            for entry in before.report
            if entry.code == "mode-special-bits"
        ]
    known = {(entry.code, entry.place.path) for entry in before.report}
    notes += [
        f"line {entry.place.line}: new {entry.severity}: {entry.message}"
        for entry in after.report
        if (entry.code, entry.place.path) not in known
    ]
    more = len(notes) - _MOST_SHOWN
    return [*notes[:_MOST_SHOWN], *([f"and {more} more differences"] if more > 0 else [])]


def _data(result: Result) -> Any:
    import json

    text = result.output or "{}"
    if text.startswith("#"):
        from ruamel.yaml import YAML

        return YAML(typ="safe").load(text)
    return json.loads(text)


def _differences(old: Any, new: Any, path: Path) -> Iterator[Path]:
    """Paths of the deepest values that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, (*path, i))
    elif old != new:
        yield path
