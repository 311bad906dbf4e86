"""A failure in the author's own words: the places of the text that somebody wrote, and keys as its language spells them.

    failure.py -> Author.place()      a place in a config, or in the cache of all -> that of the JSON or the YAML that was written
               -> respelled()         `wipeTable: true` -> `wipe_table: true` for who writes YAML, and the other way round for JSON

Only a failure pays for it: configs are rendered and compiled again.
"""

from __future__ import annotations

import re

from ignition_py.record import Record
from ignition_py.report.diag import Place
from ignition_py.sources import Sources, Texts
from ignition_py.spec import tables
from ignition_py.spec.model import Struct
from ignition_py.yaml_places import written

_KEY = re.compile(r"[A-Za-z_]\w*")
_QUOTED = re.compile(r"`[^`]*`")


class Found(Record):
    """A place in a config, and in the YAML that it was compiled from where that is another text. `yaml`: its author writes YAML."""

    place: Place
    written: Place | None = None
    yaml: bool = False


class Author:
    """What is known about the texts of a boot: those that this stage has fetched, and those that are kept beside the config cache."""

    def __init__(self, texts: Texts, cache: str, *, flatcar: bool = False) -> None:
        self._fetched = Sources(texts, flatcar=flatcar)
        self._cache = cache
        self._kept: Sources | None = None
        self._flatcar = flatcar

    def place(self, place: Place) -> Found:
        """Where the author finds what `place` names. Raises nothing but for defects."""
        if not place.source:
            return Found(place)
        sources = self._fetched
        if place.source == self._cache:
            sources = self._kept = self._kept or Sources.beside(self._cache, flatcar=self._flatcar)
            place = sources.original(place)
        text = sources.text(place.source)
        if text is None:
            yaml = written(place)
            if yaml is not None and yaml.source == place.source:  # Butane, and the JSON made of it has its name
                return Found(yaml, yaml=True)
            return Found(place, yaml, yaml is not None)
        return _in_text(place, text)


def _in_text(place: Place, text: bytes) -> Found:
    from ignition_py.butane import compiled_map, is_butane

    yaml = written(place, text)
    if not is_butane(text):
        return Found(place, yaml, yaml is not None)
    if yaml is not None:
        return Found(yaml, yaml=True)
    if compiled_map(text, place.source) is None:  # it does not compile, so the place is one of the YAML
        return Found(place, yaml=True)
    # The author has never seen the lines that the compiler made.
    return Found(Place(place.path, 0, 0, f"{place.source} (compiled)"), yaml=True)


def respelled(text: str, *, yaml: bool) -> str:
    """`text` with the keys that stand in backticks as JSON or YAML spells them."""
    names: dict[str, str] = {}
    for kind in vars(tables).values():
        if isinstance(kind, type) and issubclass(kind, Struct):
            for name, entry in kind.FIELDS.items():
                names[entry.json if yaml else name] = name if yaml else entry.json
    return _QUOTED.sub(lambda quoted: _KEY.sub(lambda key: names.get(key[0], key[0]), quoted[0]), text)
