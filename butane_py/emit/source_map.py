"""`--source-map`: from each entry of an Ignition config back to the line of the YAML that made it.

    pipeline.py -> Result.source_map -> beside the config (CONFIG.map) or into it, under the key `sourceMap`

At boot, ignition_py/yaml_places.py looks a failed entry up in it. The map has paths, lines and columns, and nothing of the contents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from butane_py.compilation import Compilation
from butane_py.places import traced
from butane_py.yaml.source import At
from ignition_py.report.catalog import declare
from ignition_py.report.diag import Path, path_text
from ignition_py.spec.model import Struct
from ignition_py.spec.read import MAP_KEY, MAP_OF_ONE, MAP_OF_SEVERAL
from ignition_py.spec.tables import Config

declare(
    "source-map-inline",
    title="A MachineConfig has no room for a source map",
    why=(
        "The machine-config operator refuses unknown keys in the config inside a MachineConfig, so a map cannot be "
        "embedded."
    ),
    fix="Write the map beside the output (--source-map=beside with --output), or write an Ignition config with --raw.",
)


def source_map(work: Compilation, output: Config) -> dict[str, Any]:
    """The map of a config: `places` has, by path in the JSON, line and column of every structure and list item, and the path in the
    YAML where that is another one. Where the config is made of several files, the number of one in `files` comes first."""
    places: dict[str, list[int | str]] = {}
    files = {work.source.name: 0}
    numbers: list[int] = []
    for spelled, found, same in origins(work, output, entries_only=True):
        place = found.place()
        places[path_text(spelled)] = [place.line, place.column] if same else [place.line, place.column, path_text(found.path)]
        numbers.append(files.setdefault(place.source, len(files)))
    if len(files) == 1:
        return {"version": MAP_OF_ONE, "file": work.source.name, "places": places}
    numbered = {path: [number, *place] for (path, place), number in zip(places.items(), numbers, strict=True)}
    return {"version": MAP_OF_SEVERAL, "files": list(files), "places": numbered}


def as_text(made: dict[str, Any]) -> str:
    """The map as the text of a file, with a final newline."""
    return json.dumps(made, ensure_ascii=True, separators=(",", ":")) + "\n"


def inside(output: str, made: dict[str, Any]) -> str:
    """The text of an Ignition config with the map as its last key; all else stays byte for byte."""
    text = as_text(made)[:-1]
    if output.endswith("\n}"):
        return f'{output[:-2]},\n  "{MAP_KEY}": {text}\n}}'
    return f'{output[:-1]},"{MAP_KEY}":{text}}}'


def origins(work: Compilation, output: Config, *, entries_only: bool = False) -> Iterator[tuple[Path, At, bool]]:
    """For what the output has: its path in the JSON, what made it in the YAML, and whether the paths are the same but for spelling.

    `entries_only` leaves out single values that are not items of lists.
    """
    for path, spelled, is_entry in _paths(output, (), ()):
        if is_entry or not entries_only:
            found = traced(output, path, work.row.spec, empty_too=True)
            if found is not None:
                yield spelled, found, found.path == path


def _paths(struct: Struct, path: Path, spelled: Path) -> Iterator[tuple[Path, Path, bool]]:
    for entry, value in struct.items():
        here, there = (*path, entry.name), (*spelled, entry.json)
        yield here, there, entry.struct is not None and not entry.many
        for i, item in enumerate(value) if entry.many else [(-1, value)]:
            below = ((*here, i), (*there, i)) if entry.many else (here, there)
            if entry.many:
                yield (*below, True)
            if isinstance(item, Struct):
                yield from _paths(item, *below)
