"""From an entry of a config to the YAML that the config was compiled from.

By the map that `butane-py --source-map` put into the config or beside it; a Butane config that was compiled at boot is compiled
once more. Only messages about errors ask for it.
"""

from __future__ import annotations

import os
from typing import Any

from ignition_py import quickjson as json
from ignition_py.report.diag import Path, Place, path_text
from ignition_py.spec.read import MAP_KEY, MAP_OF_ONE, MAP_SUFFIX, MAP_VERSIONS

_MAX = 16 << 20  # bytes of a config or a map that are read


def written(place: Place, text: bytes | None = None) -> Place | None:
    """Where the YAML stands that made `place` of a config; None where that cannot be told.

    `text` is that config; without it, a config that is a local file is read, and the map beside it. Raises nothing.
    """
    try:
        return written_by(place, source_map(place.source, text))
    except Exception:  # a damaged map, or whatever the compiler raises: there is a place without it
        return None


def written_by(place: Place, document: Any) -> Place | None:
    """`written` by a map that has been read already. Raises nothing."""
    try:
        if document is None or document["version"] not in MAP_VERSIONS:
            return None
        for end in range(len(place.path), 0, -1):
            entry = document["places"].get(path_text(place.path[:end]))
            if entry is not None:
                file, line, column, *other = entry if document["version"] != MAP_OF_ONE else (0, *entry)
                name = document["file"] if document["version"] == MAP_OF_ONE else document["files"][file]
                path = _path(other[0]) if other else _snake(place.path[:end])
                return Place((*path, *(_snake(place.path[end:]) if not other else ())), int(line), int(column), str(name))
    except Exception:  # a damaged map
        return None
    return None


def source_map(source: str, text: bytes | None = None) -> Any:
    """The map of a config: in it, beside it, or of a Butane config made once more; None where there is none. Raises what reading raises."""
    from ignition_py.butane import compiled_map, is_butane

    if text is None:
        if not os.path.isfile(source):
            return None
        with open(source, "rb") as file:
            text = file.read(_MAX)
    if is_butane(text):
        return compiled_map(text, source)
    if MAP_KEY.encode() in text:
        inside = json.loads(text).get(MAP_KEY)
        if inside is not None:
            return inside
    if not os.path.isfile(source + MAP_SUFFIX):
        return None
    with open(source + MAP_SUFFIX, "rb") as file:
        return json.loads(file.read(_MAX))


def _path(text: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in text.split(".")[1:])


def _snake(path: Path) -> Path:
    """A path as it is written in YAML: `sizeMiB` as `size_mib`."""
    return tuple(_snake_word(part) if isinstance(part, str) else part for part in path)


def _snake_word(word: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in word.replace("MiB", "Mib"))
