"""The tables against a frozen list of every field: path, type, version, required. A row that moves or changes is seen here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ignition_py.spec.model import Struct
from ignition_py.spec.tables import VERSIONS, Config

FROZEN = Path(__file__).parents[2] / "testdata" / "fields.txt"
NEWEST = max(VERSIONS.values())
_TYPES = {"str": "string", "int": "integer", "bool": "boolean", "struct": "object"}


def _fields(struct: type[Struct], prefix: str, since: int) -> Iterator[str]:
    for name, entry in struct.BY_JSON.items():
        first = max(entry.since, since)
        path = f"{prefix}{name}"
        kind = ("array of " if entry.many else "") + _TYPES[entry.kind]
        required = [minor for minor in range(first, NEWEST + 1) if entry.required_at(minor)]
        yield f"{path} | {kind} | 3.{first}.0" + (f" required {required[0]}-{required[-1]}" if required else "")
        if entry.struct is not None:
            yield from _fields(entry.struct, f"{path}{'[]' if entry.many else ''}.", first)


def test_every_field_is_as_published() -> None:
    frozen = [line for line in FROZEN.read_text().splitlines() if not line.startswith("#")]
    assert set(_fields(Config, "", 0)) ^ set(frozen) == set()
