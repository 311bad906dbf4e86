"""The config that a machine is held against, with the places of its entries as their author wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ignition_py.butane import is_butane
from ignition_py.check.contents import Contents
from ignition_py.check.findings import only
from ignition_py.check.findings.row import SAME, Row
from ignition_py.check.questions import Questions, questions
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.programs.render import Fetching, rendered
from ignition_py.record import Record
from ignition_py.report.diag import ConfigError, Place
from ignition_py.spec.dataurl import DataUrlError
from ignition_py.spec.origins import place_of
from ignition_py.spec.tables import Config, Resource
from ignition_py.yaml_places import source_map, written_by

_MAX = 16 << 20  # bytes of a config


class Subject(Record):
    """A config with everything merged in, as far as it is asked about; the digests of its files; the questions."""

    config: Config
    contents: Contents
    questions: Questions


def load(path: str, fetching: Fetching, kinds: Iterable[str], *, fetch: bool) -> Subject:
    """Reads a config (Butane, Ignition, MachineConfig); `fetch`: also contents of which it has no hash. Raises IgnitionError."""
    config = only(rendered(path, fetching), set(kinds))
    contents = Contents(_fetch(config, fetching) if fetch else None)
    try:
        return Subject(config, contents, questions(config, contents))
    except DataUrlError as error:
        raise ConfigError(f"{path}: {error}") from None


def _fetch(config: Config, fetching: Fetching) -> Any:
    fetcher = Fetcher(fetching.log(), offline=fetching.offline, limit=fetching.timeout)
    if not fetching.offline:
        fetcher.configure(config.ignition)

    def read(resource: Resource, what: str) -> bytes:
        return fetcher.read(resource, what=what)

    return read


def with_places(subject: Subject, rows: Iterable[Row]) -> list[Row]:
    """The rows, those that are not as the config says with the place of their entry: in the YAML where there is a source map."""
    maps: dict[str, Any] = {}
    return [row if row.state == SAME else row.but(place=_place(subject.config, row, maps)) for row in rows]


def _place(config: Config, row: Row, maps: dict[str, Any]) -> Place | None:
    place = place_of(config, row.path)
    if not place.source:
        return None
    if place.source not in maps:
        maps[place.source] = _source_map(place.source)
    return written_by(place, maps[place.source]) or place


def _source_map(source: str) -> Any:
    """The map of an Ignition config; None where there is none, and for a Butane config, whose places are those of its text already."""
    try:
        with open(source, "rb") as file:
            data = file.read(_MAX)
        return None if is_butane(data) else source_map(source, data)
    except Exception:  # a URL; a map that is damaged or unreadable: the place in the config itself remains
        return None
