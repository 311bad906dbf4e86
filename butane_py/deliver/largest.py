"""The entries of a config that take the most room, with the lines that made them."""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.report.diag import Path, Related
from ignition_py.spec.encode import to_data, to_json
from ignition_py.spec.model import Struct
from ignition_py.spec.origins import place_of
from ignition_py.spec.tables import Config

MOST = 10
# Lists whose items are entries of their own; what is not in one of them is small.
_LISTS = (
    *(("storage", name) for name in ("files", "directories", "links", "disks", "raid", "filesystems", "luks")),
    ("systemd", "units"),
    ("passwd", "users"),
    ("passwd", "groups"),
    ("ignition", "config", "merge"),
    ("ignition", "security", "tls", "certificate_authorities"),
)


def largest_entries(config: Config, spec: int, most: int = MOST) -> tuple[Related, ...]:
    """The entries with the longest JSON, the longest first, each with its place in the YAML text."""
    found = sorted(_entries(config, spec), key=lambda entry: -entry[0])[:most]
    return tuple([Related(f"{size:,} bytes: {name}", place_of(config, path)) for size, name, path in found])


def _entries(config: Config, spec: int) -> Iterator[tuple[int, str, Path]]:
    """Length, name and path of each entry."""
    for path in _LISTS:
        value: Struct = config
        for part in path:
            value = getattr(value, part)
        for index, item in enumerate(value):  # type: ignore[arg-type,var-annotated]  # the last part is a list
            yield len(to_json(to_data(item, spec))), _name(item, f"{path[-1]} {index}"), (*path, index)


def _name(item: Struct, otherwise: str) -> str:
    """What an entry is called in a sentence: its key, unless that is its contents."""
    key = item.key() if hasattr(item, "key") else None
    return key if isinstance(key, str) and key and len(key) < 200 and not key.startswith("data:") else otherwise
