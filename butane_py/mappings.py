"""Configs that are given as data: mappings and typed builders. They are compiled as the YAML text that they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from butane_py.builders import Builder
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.result import Result
from ignition_py.report.diag import Entry, Place, Report


def compile_mapping(config: Mapping[str, Any] | Builder, name: str, options: Options) -> Result:
    """The result of compiling `config`, whose report has paths and no lines. Raises TypeError and ValueError, see `yaml_text`."""
    data = config.to_data() if isinstance(config, Builder) else config
    result = compile_source(yaml_text(data).encode(), name, options)
    result.report = Report(map(_without_lines, result.report))
    return result


def yaml_text(data: Mapping[str, Any]) -> str:
    """`data` as one line of YAML: JSON whose strings are written in ASCII with YAML's escapes.

    Raises TypeError for a value of another type than dict, list, tuple, str, int, float, bool and None, and for a key that is
    no string; ValueError for a number that is not finite, a string that is not Unicode, and data that holds itself.
    """
    text = json.dumps(_checked(data, (), ()), ensure_ascii=False, allow_nan=False)
    text.encode()  # a lone surrogate is refused here, as a ValueError
    return re.sub(r"[^ -~]", lambda found: f"\\U{ord(found[0]):08X}", text)


def _checked(value: Any, path: tuple[str | int, ...], above: tuple[int, ...]) -> Any:
    """`value`, with mappings as dicts; `above` are the identities of what it lies in."""
    where = ".".join(map(str, path)) or "the config"
    if id(value) in above:
        raise ValueError(f"{where} holds itself")
    if isinstance(value, Builder):
        return value.to_data()
    if isinstance(value, (list, tuple)):
        return [_checked(item, (*path, index), (*above, id(value))) for index, item in enumerate(value)]
    if hasattr(value, "items"):
        wrong = next((key for key in value if not isinstance(key, str)), None)
        if wrong is not None:
            raise TypeError(f"{where} has the key {wrong!r}, which is not a string")
        return {key: _checked(item, (*path, key), (*above, id(value))) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{where} is a {type(value).__name__}, which a config cannot hold")


def _without_lines(entry: Entry) -> Entry:
    """The entry with places in the data alone; a fix of a text that nobody wrote is left out."""
    related = tuple(each.but(place=_path_alone(each.place)) for each in entry.related)
    return entry.but(place=_path_alone(entry.place), related=related, fix=None)


def _path_alone(place: Place) -> Place:
    return Place(place.path, source=place.source)
