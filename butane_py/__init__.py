"""Compiles Butane configs (YAML) into Ignition configs (JSON).

    import butane_py

    result = butane_py.compile("variant: fcos\\nversion: 1.6.0\\n")
    result.raise_for_errors()
    print(result.output)

docs/library.md has worked examples. `butane_py.config` has typed builders of configs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from butane_py.builders import Builder
    from butane_py.fleet.library import Build as Build
    from butane_py.fleet.library import build as build
    from butane_py.fleet.result import HostResult as HostResult
    from butane_py.library import Upgraded as Upgraded
    from butane_py.library import decompile as decompile
    from butane_py.library import explain as explain
    from butane_py.library import import_cloud_config as import_cloud_config
    from butane_py.library import lint as lint
    from butane_py.library import schema as schema
    from butane_py.library import upgrade as upgrade
    from butane_py.result import CompileError as CompileError
    from butane_py.result import Result as Result
    from butane_py.result import SchemaError as SchemaError
    from ignition_py.report.diag import Entry as Entry
    from ignition_py.report.diag import Fix as Fix
    from ignition_py.report.diag import Place as Place
    from ignition_py.report.diag import Related as Related
    from ignition_py.report.diag import Report as Report

    Source: TypeAlias = str | bytes | Mapping[str, Any] | Builder

COMPATIBLE = "0.29.0"  # the Butane release whose language this is

__all__ = ["COMPATIBLE", "Build", "CompileError", "Entry", "Fix", "HostResult", "Place", "Related", "Report", "Result", "SchemaError",
           "Upgraded", "build", "compile", "decompile", "explain", "lint", "schema", "upgrade"]  # fmt: skip
# Name -> the module that is imported when it is asked for.
_ELSEWHERE = {
    "Build": "butane_py.fleet.library",
    "HostResult": "butane_py.fleet.result",
    "build": "butane_py.fleet.library",
    "CompileError": "butane_py.result",
    "Result": "butane_py.result",
    "SchemaError": "butane_py.result",
    **dict.fromkeys(("Entry", "Fix", "Place", "Related", "Report"), "ignition_py.report.diag"),
    **dict.fromkeys(("Upgraded", "decompile", "explain", "import_cloud_config", "lint", "schema", "upgrade"), "butane_py.library"),
}


def compile(  # noqa: A001  # the library's verb; nobody compiles Python here
    source: Source,
    *,
    files_dir: str | None = None,
    pretty: bool = False,
    raw: bool = False,
    lint: bool = False,
    source_map: bool = False,
    target: str = "",
    name: str = "<config>",
) -> Result:
    """Compiles one Butane config.

    `source` is YAML text, or the config as a mapping or as a `butane_py.config.Config`; places in the report then have
    paths and no lines. `files_dir` is the directory that local files may come from (none are read without it). `pretty`
    indents the JSON; `raw` writes an Ignition config where a variant would wrap it into a MachineConfig; `lint` adds the
    warnings of the linter; `source_map` asks for the map of docs/source-maps.md; `name` is what places in the report call
    the source. `target` is another system to write for, `NAME[@VERSION][:FLAVOUR]` (docs/targets.md); the result's `outputs` are then
    all its outputs.

    Nothing is raised for a config that is wrong: see `Result.ok` and `Result.raise_for_errors()`. Raises TypeError or
    ValueError for a mapping that holds what no YAML text could, and ValueError for a target that there is not.
    """
    from butane_py.compilation import Options
    from butane_py.pipeline import compile_source

    options = Options(files_dir, pretty=pretty, raw=raw, lint=lint, source_map=source_map, target=target)
    if isinstance(source, str):
        return compile_source(source.encode("utf-8", "surrogatepass"), name, options)
    if isinstance(source, bytes):
        return compile_source(source, name, options)
    from butane_py.mappings import compile_mapping

    return compile_mapping(source, name, options)


def __getattr__(attribute: str) -> object:
    """Other names of the library, imported when they are asked for."""
    if attribute not in _ELSEWHERE:
        raise AttributeError(attribute)
    from importlib import import_module

    return getattr(import_module(_ELSEWHERE[attribute]), attribute)
