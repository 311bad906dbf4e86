"""`--debug`: which part of the text made which part of the output, a line each."""

from __future__ import annotations

from butane_py.compilation import Compilation
from butane_py.emit.source_map import origins
from ignition_py.report.diag import path_text


def translations(work: Compilation) -> str:
    """`$.yaml.path → $.json.path` for everything in the output, in the output's order."""
    arrow = "\N{RIGHTWARDS ARROW}"
    return "".join(f"{path_text(found.path)} {arrow} {path_text(spelled)}\n" for spelled, found, _ in origins(work, work.output))
