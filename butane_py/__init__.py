"""Compiles Butane configs (YAML) into Ignition configs (JSON).

import butane_py
result = butane_py.compile("variant: fcos\\nversion: 1.5.0\\n")
if result.output is None:
    for entry in result.report: print(entry.raw())
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.pipeline import Result
    from ignition_py.report.diag import Entry, Place, Report

COMPATIBLE = "0.29.0"  # the Butane release whose language this is

__all__ = ["COMPATIBLE", "Entry", "Place", "Report", "Result", "compile"]


def compile(  # noqa: A001  # the library's verb; nobody compiles Python here
    source: str | bytes,
    *,
    files_dir: str | None = None,
    pretty: bool = False,
    raw: bool = False,
    lint: bool = False,
    source_map: bool = False,
    name: str = "<config>",
) -> Result:
    """Compiles one Butane config.

    `source` is the YAML text. `files_dir` is the directory that local files may come from (none are read without it).
    `pretty` indents the JSON; `raw` writes an Ignition config where a variant would wrap it into a MachineConfig;
    `lint` warns of more than the reference does; `name` is what places in the report call the text.

    The result has `output` (the text without a final newline, None where there are errors), `report` and, where it was asked
    for, `source_map`: from entries of the output to lines of the text (see docs/source-maps.md). Nothing is raised for a
    config that is wrong.
    """
    from butane_py.compilation import Options
    from butane_py.pipeline import compile_source

    data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    return compile_source(data, name, Options(files_dir, pretty=pretty, raw=raw, lint=lint, source_map=source_map))


def __getattr__(attribute: str) -> object:
    """Types of the library, imported when they are asked for."""
    if attribute == "Result":
        from butane_py.pipeline import Result

        return Result
    if attribute in ("Entry", "Place", "Report"):
        from ignition_py.report import diag

        return getattr(diag, attribute)
    raise AttributeError(attribute)
