"""`butane-py upgrade --to VERSION config.bu`: a config rewritten to a newer version of its variant.

The text is edited where it has to change and nowhere else, so comments, order, quotes, indents and line ends stay byte for byte;
ruamel.yaml's round trip would set some of them anew. What the change means is found by compiling both texts and comparing what
comes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from butane_py.compilation import Options
from butane_py.decompiler.unpack import contents_of
from butane_py.pipeline import compile_source
from butane_py.result import Result
from butane_py.rows import find_row
from butane_py.variants import FCOS, VARIANTS, Variant
from butane_py.yaml.source import MAPPING, SCALAR, Node, Source, YamlError
from ignition_py.record import Record
from ignition_py.report.diag import ERROR, Path, Report, path_text
from ignition_py.spec.tables import Resource

LATEST = "latest"
_LAYOUT_NEEDED_SINCE = 7  # version of the Fedora CoreOS sections that no longer assume x86_64 for a mirror
_SPECIAL_BITS_SINCE = 6  # minor version of the Ignition spec that sets them
_MOST_SHOWN = 40
_MISSING = frozenset(("local-file", "no-files-dir", "tree-not-directory"))  # codes that tell of files that are elsewhere
_BREAK = re.compile("(\r\n|[\r\n\x85\u2028\u2029])")
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_QUOTES = ("'", '"')
_TEMPLATE = re.compile(rb"\{\{|\$\{|\{%|<%")
_VARIANT = re.compile(r"""^variant:[ \t]*(["']?)([a-z0-9]+)\1""", re.MULTILINE)
_VERSION = re.compile(r"""^(version:[ \t]*)(["']?)([0-9][0-9A-Za-z.-]*)\2""", re.MULTILINE)


class UpgradeError(ValueError):
    """The config cannot be rewritten; the message says why."""


def upgraded(data: bytes, name: str, wanted: str, files_dir: str | None = None) -> tuple[bytes, list[str]]:
    """The rewritten text, and what the change means, a sentence each. Raises UpgradeError.

    Where local files are missing, and in a text with placeholders of a template ({{ }}, ${ }) that is not a config yet, the text is
    rewritten as far as it can be, and a note says what was not compared.
    """
    stable = _stabilised(data)
    if stable is not None:
        text, notes = upgraded(stable[0], name, wanted, files_dir)
        return text, [stable[1], *(note for note in notes if "nothing was changed" not in note)]
    try:
        source, row = _read(data, name)
        options = Options(files_dir, target="fcos" if row.neutral else "")  # a neutral config compiles for a system only
        before = compile_source(data, name, options)
        _refuse(before, f"does not compile as {row}; repair it first")
    except UpgradeError:
        if _TEMPLATE.search(data) is None:
            raise
        return _template(data, wanted)
    target = _target(row, wanted)
    if target is row:
        return data, [f"is {row} already; nothing was changed"]
    edits = [_version_edit(source, data, target)]
    notes = [f"{row} became {target}; the output is Ignition 3.{target.spec}, it was 3.{row.spec}"]
    layout = _layout_edit(source, data, row, target)
    if layout is not None:
        edits.append(layout)
        notes.append("boot_device.layout is now needed for a mirror: x86_64 was written, which had been assumed")
    text = _edited(data, edits)
    after = compile_source(text, name, options)
    _refuse(after, f"would not compile as {target}")
    if before.output is None or after.output is None:
        missing = dict.fromkeys(entry.message for entry in before.report if entry.code in _MISSING)
        notes.append(f"the outputs were not compared, for want of local files: {'; '.join(missing)}")
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


def _stabilised(data: bytes) -> tuple[bytes, str] | None:
    """The text with the stable version that its experimental one has become, and a note; None where it names no such version."""
    try:
        text, codec = _decoded(data)
    except UnicodeDecodeError:
        return None
    variant, version = _VARIANT.search(text), _VERSION.search(text)
    if variant is None or version is None or (variant[2], version[3]) in VARIANTS:
        return None
    stable = version[3].removesuffix("-experimental")
    if (variant[2], stable) not in VARIANTS or stable == version[3]:
        return None
    text = text[: version.start(3)] + stable + text[version.end(3) :]
    return text.encode(codec), f"{variant[2]} {version[3]} is stable now: {stable} was written"


def _template(data: bytes, wanted: str) -> tuple[bytes, list[str]]:
    """The text of a template with another version in it; nothing is compiled. Raises UpgradeError."""
    text, codec = _decoded(data)
    variant, version = _VARIANT.search(text), _VERSION.search(text)
    row = VARIANTS.get((variant[2], version[3])) if variant and version else None
    if row is None or version is None:
        raise UpgradeError("is a template without a variant and a version that are written out; write the version yourself")
    target = _target(row, wanted)
    if target is row:
        return data, [f"is {row} already; nothing was changed"]
    text = text[: version.start(3)] + target.version + text[version.end(3) :]
    return text.encode(codec), [
        f"{row} became {target}; the output is Ignition 3.{target.spec}, it was 3.{row.spec}",
        "this is a template that does not compile as it is: only the version was rewritten, and nothing was compared; "
        "fill the template in and compile that",
    ]


def _target(row: Variant, wanted: str) -> Variant:
    rows = [each for each in VARIANTS.values() if each.name == row.name]
    if wanted == LATEST:
        target = ([each for each in rows if each.stable] or rows)[-1]
    else:
        target = VARIANTS.get((row.name, wanted), row)
        if (row.name, wanted) not in VARIANTS:
            raise UpgradeError(f"{row.name} has no version {wanted}; it has {', '.join(each.version for each in rows)}")
    if rows.index(target) < rows.index(row):
        raise UpgradeError(f"is {row}, which is newer than {target.version}; configs are only rewritten to newer versions")
    return target


def _refuse(result: Result, why: str) -> None:
    errors = [entry for entry in result.report if entry.severity == ERROR and entry.code not in _MISSING]
    if errors:
        lines = "".join(f"\n  {entry.raw()}" for entry in errors)
        raise UpgradeError(f"{why}:{lines}")


class Edit(Record):
    """`old` at a line and column (from 1) becomes `new`."""

    line: int
    column: int
    old: str
    new: str


def _version_edit(source: Source, data: bytes, target: Variant) -> Edit:
    found = source.root.entry("version") if source.root else None
    node = found[1] if found else None
    if node is None or node.kind != SCALAR:
        raise UpgradeError(f"version is not written as a plain value, so it is not rewritten; write {target.version} there yourself")
    if node.plain:
        return Edit(node.line, node.column, node.value, target.version)
    head = _at(data, node)
    if head[:1] in _QUOTES:
        return Edit(node.line, node.column + 1, node.value, target.version)
    for line, text in enumerate(_lines(data)[node.line :], node.line + 1):  # a block scalar, whose text is in a later line
        if text.strip():
            return Edit(line, len(text) - len(text.lstrip()) + 1, node.value, target.version)
    raise UpgradeError(f"line {node.line}: version is written as {head!r}, which is not rewritten; write {target.version} there yourself")


def _layout_edit(source: Source, data: bytes, row: Variant, target: Variant) -> Edit | None:
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
    flow = _at(data, node).startswith("{")
    between = ", " if flow else "\n" + " " * (first.column - 1)
    return Edit(first.line, first.column, "", f"layout: x86_64{between}")


def _at(data: bytes, node: Node) -> str:
    """The rest of the line that a node begins in."""
    return _lines(data)[node.line - 1][node.column - 1 :]


def _lines(data: bytes) -> list[str]:
    """The lines of the text, without their ends and a byte order mark."""
    return _BREAK.split(_decoded(data)[0].removeprefix("\ufeff"))[::2]


def _decoded(data: bytes) -> tuple[str, str]:
    """The text, with its byte order mark, and the codec that makes the same bytes of it."""
    codec = next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), "utf-8")
    return data.decode(codec), codec


def _edited(data: bytes, edits: list[Edit]) -> bytes:
    """The text with all edits made, the last first. Raises UpgradeError where the text is not what was expected."""
    text, codec = _decoded(data)
    pieces = _BREAK.split(text)
    for edit in sorted(edits, key=lambda each: (each.line, each.column), reverse=True):
        line = pieces[2 * edit.line - 2]
        start = edit.column - 1 + (edit.line == 1 and line.startswith("\ufeff"))
        if not line.startswith(edit.old, start):
            raise UpgradeError(f"line {edit.line} is written in a way that is not rewritten; write {edit.new} there yourself")
        pieces[2 * edit.line - 2] = line[:start] + edit.new + line[start + len(edit.old) :]
    return "".join(pieces).encode(codec)


def _meaning(before: Result, after: Result, row: Variant, target: Variant) -> list[str]:
    """What is different in the outputs and in the reports."""
    notes = []
    whole = before.output is not None and after.output is not None
    for path in _differences(_unpacked(before.config), _unpacked(after.config), ()) if whole else ():
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


def _unpacked(value: Any) -> Any:
    """An output as data with contents in place of the data URLs that carry them: another encoding of the same is no difference."""
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    data = {key: _unpacked(item) for key, item in value.items()}
    if data.get("compression") == "":
        del data["compression"]
    if isinstance(data.get("source"), str):
        contents = contents_of(Resource(source=data["source"], compression=data.get("compression")))
        if contents is not None:
            data["source"] = contents
            data.pop("compression", None)
    return data


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
