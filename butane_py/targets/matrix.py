"""The matrix field by target, from the same cells that make the errors: as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from butane_py.targets.fields import FIELDS, Neutral
from butane_py.targets.model import No, Takes, Target
from butane_py.targets.registry import load

_PLAIN_SPACE = 2  # between columns


def mark(cell: Takes | No) -> str:
    """N: in the target's own words, F: as a file, -: not at all; in parentheses with limits."""
    if not isinstance(cell, Takes):
        return "-"
    letter = "N" if cell.native else "F"
    return f"({letter})" if cell.limits else letter


def list_text(names: Sequence[str]) -> str:
    """A line a target: name, system, versions and flavours."""
    rows = [_row(load(name)) for name in names]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "".join(f"{name:<{widths[0]}}  {title:<{widths[1]}}  {more}".rstrip() + "\n" for name, title, more in rows)


def _row(target: Target) -> tuple[str, str, str]:
    versions = [f"{version} (default)" if version == target.default_version else version for version in target.versions]
    flavours = [f":{flavour}" for flavour in target.flavours]
    return target.name, target.title, ", ".join([*(f"@{version}" for version in versions), *flavours])


def list_markdown(names: Sequence[str]) -> str:
    """The list as a table of Markdown."""
    rows = [_row(load(name)) for name in names]
    lines = [f"| `{name}` | {title} | {more} |\n" for name, title, more in rows]
    return "| target | system | versions and flavours |\n| --- | --- | --- |\n" + "".join(lines)


def as_text(names: Sequence[str]) -> str:
    """The matrix, and below it the limits and the ways out."""
    table = [["field", *names]] + [
        [field.title, *(mark(_shown(load(name), field)) for name in names)] for field in FIELDS.values()
    ]
    widths = [max(len(row[column]) for row in table) for column in range(len(names) + 1)]
    lines = [
        "".join(f"{cell:<{width + _PLAIN_SPACE}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join([*lines, "", *_notes(names)]) + "\n"


def as_markdown(names: Sequence[str]) -> str:
    """The matrix as a table of Markdown, and the notes as a list."""
    head = f"| field | {' | '.join(names)} |\n| --- |{' --- |' * len(names)}\n"
    rows = []
    for field in FIELDS.values():
        cells = (mark(_shown(load(name), field)) for name in names)
        rows.append(f"| {field.title} | {' | '.join(cells)} |\n")
    return head + "".join(rows) + "\n" + "".join(f"- {note}\n" for note in _notes(names))


def _shown(target: Target, field: Neutral) -> Takes | No:
    """The cell of a field; that of the field above it where the target cannot say that one."""
    above = FIELDS.get(field.above)
    cell = _shown(target, above) if above is not None else None
    return target.support[field.name] if cell is None or isinstance(cell, Takes) else cell


def _notes(names: Sequence[str]) -> list[str]:
    """A line for each limit of a target, and for each sentence and way out, with the fields that have it in common."""
    notes: dict[tuple[str, str], list[str]] = {}
    for name in names:
        for field in FIELDS.values():
            cell = _shown(load(name), field)
            text = (
                cell.limits
                if isinstance(cell, Takes)
                else f"{cell.sentence}; {cell.hint}"
                if cell.hint
                else cell.sentence
            )
            if text:
                notes.setdefault((name, text), []).append(field.title)
    return [f"{name}, {', '.join(titles)}: {text}" for (name, text), titles in notes.items()]


def as_json(names: Sequence[str]) -> str:
    """Everything as JSON: a target an entry, with its cells."""
    return (
        json.dumps({"version": 1, "targets": [_data(load(name)) for name in names]}, ensure_ascii=False, indent=2)
        + "\n"
    )


def _data(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "title": target.title,
        "versions": list(target.versions),
        "default_version": target.default_version or None,
        "flavours": list(target.flavours),
        "outputs": list(target.outputs),
        "fields": {name: _cell(target.support[name]) for name in FIELDS},
    }


def _cell(cell: Takes | No) -> dict[str, Any]:
    if isinstance(cell, Takes):
        return {"takes": "native" if cell.native else "file", "limits": cell.limits or None}
    return {"takes": None, "code": cell.code, "sentence": cell.sentence, "hint": cell.hint or None}
