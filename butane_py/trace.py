"""`--debug`: which part of the text made which part of the output, a line each."""

from __future__ import annotations

from butane_py.compilation import Compilation, Options
from butane_py.emit.source_map import origins
from butane_py.yaml.source import Source
from ignition_py.report.diag import Report, path_text


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
