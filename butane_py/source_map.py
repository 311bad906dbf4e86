"""`--source-map`: from each entry of an Ignition config back to the line of the YAML that made it.

    compiler.py -> Result.source_map -> beside the config (CONFIG.map) or into it, under the key `sourceMap`

At boot, ignition_py/sources.py looks a failed entry up in it. The map has paths, lines and columns, and nothing of the contents.
"""

from __future__ import annotations

import json

from butane_py.trace import origins
from ignition_py.diag import path_text
from ignition_py.sources import MAP_VERSION
from ignition_py.spec.read import MAP_KEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from butane_py.compilation import Compilation
    from ignition_py.spec.tables import Config


def source_map(work: Compilation, output: Config) -> dict[str, Any]:
    """The map of a config: `places` has, by path in the JSON, line and column of every structure and list item, and the path in the
    YAML where that is another one."""
    places: dict[str, list[int | str]] = {}
    for spelled, found, same in origins(work, output, entries_only=True):
        place = work.source.place(found)
        places[path_text(spelled)] = [place.line, place.column] if same else [place.line, place.column, path_text(found)]
    return {"version": MAP_VERSION, "file": work.source.name, "places": places}


def as_text(made: dict[str, Any]) -> str:
    """The map as the text of a file, with a final newline."""
    return json.dumps(made, ensure_ascii=True, separators=(",", ":")) + "\n"


def inside(output: str, made: dict[str, Any]) -> str:
    """The text of an Ignition config with the map as its last key; all else stays byte for byte."""
    text = as_text(made)[:-1]
    if output.endswith("\n}"):
        return f'{output[:-2]},\n  "{MAP_KEY}": {text}\n}}'
    return f'{output[:-1]},"{MAP_KEY}":{text}}}'
