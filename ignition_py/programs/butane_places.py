"""Places of a config that was compiled from Butane, as places of the Butane text, which is what its author reads.

    rendered() -> written_in() -> the config with origins that answer so -> conflicts of `plan` name the author's own lines
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from ignition_py.butane import compiled_map
from ignition_py.record import Record
from ignition_py.report.diag import Place
from ignition_py.spec.model import Field, Origin, Struct
from ignition_py.yaml_places import written_by

T = TypeVar("T")


class Compilation(Record):
    """A Butane text: its name, the name that the config compiled from it goes by, and where its local files come from."""

    name: str
    compiled: str
    text: bytes
    files_dir: str | None = None

    def place(self, place: Place) -> Place:
        """The place in the Butane text; one in another config stays, one that Butane made by itself loses its line."""
        if place.source != self.compiled:
            return place
        found = written_by(Place(place.path, source=self.name), _source_map(self.text, self.name, self.files_dir))
        return found or Place(place.path, source=place.source)


@lru_cache(maxsize=4)
def _source_map(text: bytes, name: str, files_dir: str | None) -> Any:
    """The map of a Butane text, made once for all the places of it that are asked for."""
    try:
        return compiled_map(text, name, files_dir)
    except Exception:  # whatever the compiler raises: there is a place without it
        return None


class ButaneOrigin(Origin):
    """The origin of a value of the compiled config, whose place is in the Butane text."""

    __slots__ = ("_compilation", "_origin")

    def __init__(self, origin: Origin, compilation: Compilation) -> None:
        self._origin = origin
        self._compilation = compilation

    def place(self) -> Place:
        return self._compilation.place(self._origin.place())

    def field(self, entry: Field) -> Origin | None:
        origin = self._origin.field(entry)
        return None if origin is None else ButaneOrigin(origin, self._compilation)

    def item(self, index: int) -> Origin | None:
        origin = self._origin.item(index)
        return None if origin is None else ButaneOrigin(origin, self._compilation)

    def spelled(self, entry: Field) -> str:
        return self._origin.spelled(entry)


def written_in(value: T, compilation: Compilation) -> T:
    """A copy of a structure (or list of them) whose origins lead to the Butane text."""
    if isinstance(value, tuple):
        return type(value)(written_in(item, compilation) for item in value)
    if not isinstance(value, Struct):
        return value
    changes: dict[str, object] = {entry.name: written_in(content, compilation) for entry, content in value.items()}
    if value._origin is not None:
        changes["_origin"] = ButaneOrigin(value._origin, compilation)
    if value._sources is not None:
        changes["_sources"] = {name: ButaneOrigin(origin, compilation) for name, origin in value._sources.items()}
    return value.but(**changes)
