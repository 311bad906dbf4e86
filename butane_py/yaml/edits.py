"""Corrections of YAML text: the fix that puts another scalar in the place of one that is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from butane_py.yaml.source import SCALAR, Node, Source
from ignition_py import quickjson as json
from ignition_py.report.diag import ERROR, Entry, Fix, Path, Related

if TYPE_CHECKING:
    from butane_py.yaml.types import TypeProblem

# Texts that stay a string, and the same string, without quotes.
_PLAIN = re.compile(r"[/A-Za-z][\w./@+-]*\Z", re.ASCII)
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def type_entry(problem: TypeProblem, source: Source) -> Entry:
    """The diagnostic for a value of a wrong type or a key that is repeated."""
    fix = _fix(source, problem.node, problem.path, problem.fix, f"write {problem.fix}") if problem.fix else None
    related: tuple[Related, ...] = ()
    if problem.first is not None:
        related = (Related("first given here", source.node_place(problem.first, problem.path)),)
    place = source.node_place(problem.node, problem.path)
    return Entry(ERROR, problem.code, problem.message, place, problem.hint, related=related, fix=fix)


def scalar_fix(source: Source, path: Path, value: str | int, title: str = "") -> Fix | None:
    """The fix that makes the scalar at `path` read as `value`; None where the text has no scalar of one line there."""
    node = source.find(path)
    if node is None or node.kind != SCALAR:
        return None
    if isinstance(value, int):
        text = f"0{value:o}" if path[-1] == "mode" else str(value)
        return _fix(source, node, path, text, title or f"write {text}")
    return _fix(source, node, path, _written(source, node, value), title or f"write {value}")


def _fix(source: Source, node: Node, path: Path, text: str, title: str) -> Fix | None:
    place = source.node_place(node, path)
    if hasattr(node, "uses"):
        return None  # a variable gives the value (fleet/interpolation.py)
    if place.end_line != place.line or source.lines.text[source.lines.offset(place.line, place.column)] in "|>&!":
        return None
    return Fix(title, place, text)


def _written(source: Source, node: Node, value: str) -> str:
    """`value` as a YAML scalar, quoted as `node` is."""
    quote = source.lines.text[source.lines.offset(node.line, node.column)]
    if quote == '"' or not value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    if quote != "'" and _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return "'" + value.replace("'", "''") + "'"
