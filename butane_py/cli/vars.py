"""`butane-py vars FILE`: the variables that a config declares, for people, programs and editors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from butane_py import render
from butane_py.compilation import Options
from butane_py.fleet.declarations import Declaration
from butane_py.fleet.inventory.document import target
from butane_py.fleet.program import Program
from butane_py.fleet.schema import schema
from butane_py.yaml.source import MAPPING, SCALAR, Node
from ignition_py.programs.commands import FILE, FOLDER, coloured, command
from ignition_py.report.diag import Report
from ignition_py.system.streams import say, write_stdout

TEXT, JSON, JSON_SCHEMA = "text", "json", "json-schema"
VERSION = 1


@command(
    "vars",
    example="butane-py vars node.bu\nbutane-py vars node.bu --format json-schema > hosts.schema.json",
    statuses={0: "printed", 1: "the file cannot be read, or has errors", 2: "wrong usage"},
)
@click.argument("config", type=FILE)
@click.option("-d", "--files-dir", type=FOLDER, default="", show_default=False, help="Directory that files may be included from.")
@click.option("--format", "style", type=click.Choice((TEXT, JSON, JSON_SCHEMA)), default=TEXT,
              help="json-schema: the schema of the inventory, by which editors complete and check host variables.")
def run(config: str, files_dir: str, style: str) -> int:
    """Print the variables that a config and the files that it includes declare."""
    import sys

    program = Program.load(config, Options(files_dir or None))
    found = program.declarations  # reads what is included
    report = Report([*program.report, *(entry for file in program.files for entry in file.report)])
    if len(report):
        say(render.pretty_of(report, program.shown_text, colour=coloured(sys.stderr)))
    if report.fatal:
        return 1
    if style == JSON_SCHEMA:
        write_stdout(json.dumps(schema(config, found), indent=2, ensure_ascii=False) + "\n")
    elif style == JSON:
        data = {"version": VERSION, "file": config, "variables": [_data(each) for each in found.values()]}
        write_stdout(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    else:
        write_stdout(_table(found.values()))
    return 0


def _table(declarations: Any) -> str:
    """A line for each variable: name, type, whether a value is needed, constraints, what it is for."""
    rows = [(each.name, str(each.type), _default(each), _constraints(each), each.description) for each in declarations]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines = ("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _default(declaration: Declaration) -> str:
    default = declaration.default
    if default is None:
        return "required"
    if declaration.secret and not declaration.nullable:
        return "default: (secret)"
    text = "null" if declaration.nullable else _spelled(default)
    return f"default: {text if len(text) <= 40 else text[:39] + '…'}".replace("\n", " ")


def _spelled(node: Node) -> str:
    """A value in one line."""
    node = target(node)
    if node.kind == SCALAR:
        return node.value
    if node.kind == MAPPING:
        return "{" + ", ".join(f"{key.value}: {_spelled(value)}" for key, value in node.items) + "}"
    return "[" + ", ".join(map(_spelled, node.items)) + "]"


def _constraints(declaration: Declaration) -> str:
    found = []
    if declaration.one_of:
        found.append(" | ".join(map(str, declaration.one_of)))
    if declaration.minimum is not None or declaration.maximum is not None:
        least, most = ("" if each is None else str(each) for each in (declaration.minimum, declaration.maximum))
        found.append(f"{least}..{most}")
    if declaration.length is not None:
        least, most = str(declaration.length[0]), "" if declaration.length[1] is None else str(declaration.length[1])
        found.append(f"length {least}..{most}" if least != most else f"length {least}")
    if declaration.pattern is not None:
        found.append(f"pattern {declaration.pattern.source}")
    found += [word for word, on in (("unique", declaration.unique), ("secret", declaration.secret)) if on]
    return ", ".join(found)


def _data(declaration: Declaration) -> dict[str, Any]:
    place, length = declaration.place, declaration.length
    return {
        "name": declaration.name,
        "type": str(declaration.type),
        "required": declaration.required,
        "nullable": declaration.nullable,
        "one_of": list(declaration.one_of) or None,
        "min": declaration.minimum,
        "max": declaration.maximum,
        "length": list(length) if length is not None else None,
        "pattern": declaration.pattern.source if declaration.pattern is not None else None,
        "unique": declaration.unique,
        "secret": declaration.secret,
        "description": declaration.description or None,
        "file": place.source,
        "line": place.line,
        "column": place.column,
    }


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
