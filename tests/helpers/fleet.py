"""Builds for tests: files are written to the current folder, and compiled for one host or for all of an inventory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from butane_py.compilation import Options
from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.precedence import host_values
from butane_py.fleet.program import Program, build_host
from butane_py.fleet.result import HostResult
from butane_py.fleet.values import VAR, HostFacts, Layer, Value, of_data, of_text
from ignition_py.report.diag import Entry, Place

HEAD = "variant: fcos\nversion: 1.6.0\n"


def write(files: Mapping[str, str | bytes]) -> None:
    """Writes files below the current folder; configs get variant and version in front, unless they have their own."""
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def var(text: str, name: str = "x") -> Value:
    """A value as --var gives it."""
    return of_text(text, Place((), source=f"--var {name}"), Layer(VAR))


def data(value: Any) -> Value:
    """A value of Python."""
    return of_data(value, Place((), source="vars"), Layer(VAR))


def build(config: str = "node.bu", values: Mapping[str, Value] | None = None, host: HostFacts | None = None, **options: Any) -> HostResult:
    """Builds a file of the current folder without an inventory."""
    return build_host(Program.load(config, Options(options.pop("files_dir", None), **options)), values or {}, host)


def hosts(config: str, inventory: str, **options: Any) -> dict[str, HostResult]:
    """Builds a file of the current folder for each host of an inventory."""
    program = Program.load(config, Options(options.pop("files_dir", None), **options))
    found = read_inventories([inventory])
    assert not found.report.fatal, found.report
    results = {}
    for host in found.hosts.values():
        groups = tuple(group.name for group in found.groups_of(host))
        results[host.name] = build_host(program, host_values(found, host, []), HostFacts(host.name, groups, host.place))
    return results


def spot(place: Place) -> str:
    """A place as `file:line:column`, or what gave a value."""
    return f"{place.source}:{place.line}:{place.column}" if place.line else place.source


def spots(entries: Iterable[Entry]) -> list[tuple[str, ...]]:
    """Code, place and related places of each entry."""
    return [(entry.code, spot(entry.place), *(spot(each.place) for each in entry.related)) for entry in entries]


def contents(result: HostResult, path: str) -> str:
    """The contents of a file of the output."""
    from butane_py.linter.facts import unpacked

    assert result.output is not None, [entry.raw() for entry in result.report]
    assert result.compilation is not None
    found = next(file for file in result.compilation.output.storage.files if file.path == path)
    made = unpacked(found.contents)
    assert made is not None
    return made.decode("utf-8", "surrogatepass")


def output(result: HostResult) -> dict[str, Any]:
    """The output as data."""
    assert result.output is not None, [entry.raw() for entry in result.report]
    found: dict[str, Any] = json.loads(result.output)
    return found
