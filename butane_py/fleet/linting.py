"""`--lint` of a build: the compiler's rules for each file of it, what one file replaces of another, and values that need a filter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from butane_py.compilation import Compilation
from butane_py.fleet.declarations import LIST, MAP, OBJECT, STRING, Declaration, Type
from butane_py.fleet.examples import contents
from butane_py.fleet.expressions import Reference, SyntaxProblem
from butane_py.fleet.files import ParsedFile
from butane_py.fleet.interpolation import place_inside
from butane_py.fleet.payloads import text_place
from butane_py.linter.settings import Settings
from ignition_py.report.catalog import declare
from ignition_py.report.diag import INFO, WARNING, Entry, Place, Related
from ignition_py.spec import tables as spec
from ignition_py.spec.merge import merge
from ignition_py.spec.model import Struct
from ignition_py.spec.upgrade import upgrade

if TYPE_CHECKING:
    from butane_py.fleet.compile import HostBuild

_REPLACED, UNFILTERED = "lint-include-replaces", "lint-unfiltered"
_RISKY = (STRING, "url", "path", "ssh_key")  # strings that can hold blanks, quotes, $ or %
_EXEC = re.compile(r"\s*Exec[A-Za-z]*=")
_NODES = ("files", "directories", "links")

declare(
    _REPLACED,
    title="A file replaces an entry of another",
    why="Entries of the same path or name are merged, and the later file wins. In a fleet that is how a setting gets lost unnoticed.",
    fix="Nothing, where it is meant. Otherwise take one of the two entries away, or include the files in another order.",
    severity=INFO,
    lint=True,
)
declare(
    UNFILTERED,
    title="A text stands in a command without a filter",
    why="A blank, a quote, a $ or a % in the value changes the command, which the shell or systemd takes apart after the value is in it.",
    fix="Write ${{ name | sh }} in a script, ${{ name | unit }} in a unit, or declare a narrower type, such as hostname.",
    severity=WARNING,
    lint=True,
    wrong=contents("name: {type: string, default: n1}", "#!/bin/sh\necho ${{ name }}\n"),
    right=contents("name: {type: string, default: n1}", "#!/bin/sh\necho ${{ name | sh }}\n"),
    build=True,
)


def lint_parts(build: HostBuild, parts: Sequence[Compilation]) -> None:
    """Adds what is found in the files of a build to their reports. `parts` are in the order of merging."""
    from butane_py.linter import lint

    settings = build.program.options.settings or Settings()
    main = build.works[0]
    for part in parts:
        if part is not main:
            lint(part, part.config, main.output, "", lambda _row: [], written=True)
    if len(parts) > 1 and settings.runs(_REPLACED):
        _report_replaced([(part, build.own if part is main else upgrade(part.output, part.row.spec)) for part in parts])
    if settings.runs(UNFILTERED):
        for file, work in zip(build.files, build.works, strict=True):
            work.report.entries += _unfiltered(file, work)


def _report_replaced(parts: Sequence[tuple[Compilation, spec.Config]]) -> None:
    """Adds an entry for each entry of an output that a later one changes.

    `parts` have their outputs before merging, in the newest version.
    """
    before = parts[0][1]
    for work, config in parts[1:]:
        for name, old, new, fields in _replaced(before, config, ""):
            if old is None or new is None:
                continue
            what = f": {', '.join(fields)}" if fields else ""
            message = f"{name} of {old.source}:{old.line} is replaced by {new.source}:{new.line}{what}"
            work.report.entries.append(Entry(INFO, _REPLACED, message, new, related=(Related("it stands here", old),)))
        before = merge(before, config)


def _replaced(old: Struct, new: Struct, name: str) -> Iterator[tuple[str, Place | None, Place | None, list[str]]]:
    """The entries in `old` that `new` changes: name, both places, and the fields with other values."""
    for entry, value in new.items():
        known = getattr(old, entry.name)
        if entry.struct is None or entry.appended:
            continue
        if not entry.many:
            yield from _replaced(known, value, f"{name}{entry.name}.")
            continue
        by_key = {item.key(): item for item in known}
        others = [each for each in _NODES if each != entry.name] if entry.namespace else []
        for item in value:
            twin = by_key.get(item.key())
            called = f"{name}{entry.name}.{item.key()}".removeprefix("storage.").removeprefix("systemd.").removeprefix("passwd.")
            if twin is not None:
                fields = [each.name for each, one in item.items() if twin.has(each.name) and _differs(getattr(twin, each.name), one)]
                fields = [field for field in fields if field not in ("dropins", "path", "name")]
                if fields:
                    yield called, twin.place(), item.place(), fields
                yield from _replaced(twin, item, f"{called}.")
            for kind in others:
                gone = next((each for each in getattr(old, kind) if each.key() == item.key()), None)
                if gone is not None:
                    yield f"{kind}.{item.key()}", gone.place(), item.place(), []


def _differs(old: object, new: object) -> bool:
    """True if the later value takes something of the earlier away."""
    if isinstance(old, Struct) and isinstance(new, Struct):
        return any(old.has(entry.name) and _differs(getattr(old, entry.name), value) for entry, value in new.items())
    if isinstance(old, tuple) or old in (None, "", {}):
        return False
    return old != new


def _unfiltered(file: ParsedFile, work: Compilation) -> Iterator[Entry]:
    """Warnings for strings in commands, in the config and in the local files that it embeds."""
    for node, path in file.template.scalars if file.template is not None else ():
        if path[:1] in (("vars",), ("include",)):
            continue
        try:
            pieces = file.template.pieces(node) if file.template is not None else ()
        except SyntaxProblem:
            continue
        for reference, wanted in _in_commands(pieces, file.declarations):
            yield _entry(reference, wanted, place_inside(file.source, node, reference.start, path))
    for name, text, pieces in work.payloads.texts if work.payloads is not None else ():
        for reference, wanted in _in_commands(pieces, file.declarations):
            yield _entry(reference, wanted, text_place(name, text, reference.start))


def _entry(reference: Reference, wanted: str, place: Place) -> Entry:
    where = "a script" if wanted == "sh" else "a command of a unit"
    message = f"`{reference.spelled}` stands in {where} without a filter"
    return Entry(WARNING, UNFILTERED, message, place, f"write ${{{{ {reference.spelled} | {wanted} }}}}")


def _in_commands(pieces: Sequence[str | Reference], declarations: dict[str, Declaration]) -> Iterator[tuple[Reference, str]]:
    """The references to strings in scripts and in lines with Exec…=, with the filter that each needs."""
    script = bool(pieces) and isinstance(pieces[0], str) and pieces[0].startswith("#!")
    line = ""
    for piece in pieces:
        if isinstance(piece, str):
            line = piece.rpartition("\n")[2] if "\n" in piece else line + piece
            continue
        wanted = "sh" if script else "unit" if _EXEC.match(line) else ""
        if wanted and _is_risky(piece, declarations) and not any(call.name in (wanted, "b64") for call in piece.filters):
            yield piece, wanted


def _is_risky(reference: Reference, declarations: dict[str, Declaration]) -> bool:
    """True if the reference may stand for a string with any characters."""
    declaration = declarations.get(str(reference.names[0].text))
    type_: Type | None = declaration.type if declaration is not None else None
    for name in reference.names[1:]:
        if type_ is None or type_.kind not in (LIST, MAP, OBJECT):
            return False  # a part of an address, or of the host
        type_ = type_.members.get(str(name.text)) if type_.kind == OBJECT else type_.item
    while type_ is not None and type_.kind in (LIST, MAP):
        type_ = type_.item
    return type_ is not None and type_.kind in (OBJECT, *_RISKY)
