"""`--debug`: which part of the text made which part of the output, a line each."""

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
    lines = []
    for path, spelled in _paths(output, (), ()):
        found = traced(output, path, row.spec, empty_too=True)
        if found is not None:
            lines.append(f"{path_text(found)} \N{RIGHTWARDS ARROW} {path_text(spelled)}\n")
    return "".join(lines)


def _paths(struct: Struct, path: Path, spelled: Path) -> Iterator[tuple[Path, Path]]:
    for entry, value in struct.items():
        here, there = (*path, entry.name), (*spelled, entry.json)
        yield here, there
        for i, item in enumerate(value) if entry.many else [(-1, value)]:
            below = ((*here, i), (*there, i)) if entry.many else (here, there)
            if entry.many:
                yield below
            if isinstance(item, Struct):
                yield from _paths(item, *below)
