"""From an entry of the config cache back to the config that it came from, for messages of the stages after fetch.

    engine.py keeps the texts of all configs beside the cache -> a stage fails -> author.py asks `Sources` for the place
    the files stage is done -> engine.py has `forget` delete the texts

The cache is one merged config, so a line of it does not say which config to mend. Only a failure pays for finding out: the
kept texts are then read and merged once more, without the network, and merging keeps origins. The texts hold secrets, as the
cache does; both are readable by root only and gone with the boot.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

from ignition_py import quickjson as json
from ignition_py.report.diag import IgnitionError, Path, Place
from ignition_py.spec.model import Struct
from ignition_py.spec.tables import Config
from ignition_py.state import State
from ignition_py.system.host import write_private
from ignition_py.system.log import Log

# Name and text of each config, in the order in which rendering reads them.
Texts: TypeAlias = "Sequence[tuple[str, bytes]]"

SUFFIX = ".sources"
_MAX = 16 << 20  # bytes; more is not worth the memory that it takes


def keep(cache: str, texts: Texts) -> None:
    """Writes the texts beside the config cache. Raises IgnitionError."""
    if sum(len(text) for _, text in texts) > _MAX:
        texts = ()
    data = json.dumps([[name, text.decode("latin-1")] for name, text in texts])
    write_private(cache + SUFFIX, data.encode(), what="the texts of the configs")


def forget(cache: str) -> None:
    """Deletes the texts: no later stage works on what they ask for."""
    try:
        os.unlink(cache + SUFFIX)
    except OSError:
        return


class Sources:
    """The texts of the configs of a boot. `flatcar` as in render.py."""

    def __init__(self, texts: Texts, *, flatcar: bool = False) -> None:
        self._texts = texts
        self._flatcar = flatcar
        self._config: Config | None = None

    @classmethod
    def beside(cls, cache: str, *, flatcar: bool = False) -> Sources:
        """Those that are kept beside a config cache; none where they are damaged. Raises nothing."""
        try:
            with open(cache + SUFFIX, "rb") as file:
                texts = [(str(name), str(text).encode("latin-1")) for name, text in json.loads(file.read())]
        except Exception:  # whatever the file holds
            texts = []
        return cls(texts, flatcar=flatcar)

    def text(self, name: str) -> bytes | None:
        """The text that goes by a name."""
        return next((text for known, text in self._texts if known == name), None)

    def original(self, place: Place) -> Place:
        """Where what `place` names in the merged config stands in its own config; `place` itself where that cannot be told. Raises
        nothing."""
        try:
            if self._config is None and self._texts:
                self._config = _rendered(self._texts, self._flatcar)
            found = place_in(self._config, place.path) if self._config is not None else place
        except Exception:  # the texts may be damaged, and rendering them again is most of the program
            return place
        return found if found.source else place


def _rendered(texts: Texts, flatcar: bool) -> Config:
    from ignition_py.render import Renderer, parse

    silent = Log(to_stdout=True, threshold=-1)
    (name, text), *rest = texts
    fetcher: Any = _Replay([text for _, text in rest])
    return Renderer(fetcher, silent, State(), flatcar=flatcar).render(parse(text, name, silent, flatcar=flatcar))


class _Replay:
    """In place of the fetcher: gives the kept texts in the order in which they were fetched."""

    offline = True  # so that nothing is fetched ahead

    def __init__(self, texts: list[bytes]) -> None:
        self._texts = texts

    def configure(self, ignition: object, *, check: bool = True) -> None:
        """Nothing will be fetched."""

    def read(self, reference: object, *, what: str) -> bytes:
        if not self._texts:
            raise IgnitionError(f"{what} was not kept")
        return self._texts.pop(0)


def place_in(config: Config, path: Path) -> Place:
    """The place of what a path of the merged config names. The path has the names of the JSON text."""
    from ignition_py.spec.origins import place_of

    names: list[str | int] = []
    value: Any = config
    for part in path:
        if isinstance(part, str):
            name = _field(value, part)
            if name is None:
                break
            names.append(name)
            value = getattr(value, name)
        else:
            if not isinstance(value, tuple) or part >= len(value):
                break
            names.append(part)
            value = value[part]
    return place_of(config, tuple(names))


def _field(value: Struct | Any, name: str) -> str | None:
    fields = getattr(type(value), "FIELDS", {})
    return next((field for field, entry in fields.items() if entry.json == name), None)
