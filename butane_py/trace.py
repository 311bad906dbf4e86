"""Which part of the text made which part of the output: `--debug` says it a line each, source_map.py keeps it."""

from __future__ import annotations

from butane_py.compilation import Compilation, Options
from butane_py.places import traced
from butane_py.source import Source
from ignition_py.diag import Report, path_text
from ignition_py.spec.model import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ignition_py.diag import Path
    from ignition_py.spec.tables import Config


def translations(data: bytes, name: str, options: object) -> str:
    """`$.yaml.path → $.json.path` for everything in the output, in the output's order."""
    from butane_py.compiler import decode_config, desugar
    from butane_py.rows import find_row

    assert isinstance(options, Options)
    source = Source(data, name)
    row = find_row(source, Report())
    assert row is not None  # the config has been compiled before
    work = Compilation(source, row, options)
    config = decode_config(work)
    assert config is not None
    output = desugar(work, config)
    arrow = "\N{RIGHTWARDS ARROW}"
    return "".join(f"{path_text(found)} {arrow} {path_text(spelled)}\n" for spelled, found, _ in origins(work, output))


def origins(work: Compilation, output: Config, *, entries_only: bool = False) -> Iterator[tuple[Path, Path, bool]]:
    """For what the output has: its path in the JSON, the path in the YAML that made it, and whether the two are the same but for spelling.

    `entries_only` leaves out single values that are not items of lists.
    """
    for path, spelled, is_entry in _paths(output, (), ()):
        if is_entry or not entries_only:
            found = traced(output, path, work.row.spec, empty_too=True)
            if found is not None:
                yield spelled, found, found == path


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
