"""Configs that this one merges or is replaced by, from local files: the reference embeds them unread."""

from __future__ import annotations

from butane_py.resources import LocalFileError, read_local
from butane_py.yaml.source import At
from ignition_py.report.diag import ERROR, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py import tables
    from butane_py.compilation import Compilation


def check_children(work: Compilation, config: tables.Config) -> None:
    references = [*config.ignition.config.merge, config.ignition.config.replace]
    for reference in references:
        local = getattr(reference, "local", None)
        if local and reference.compression in (None, "") and isinstance(reference._origin, At):
            try:
                text = read_local(local, work.options)
            except LocalFileError:
                continue  # an error of the compilation itself
            problem = _problem(text)
            if problem:
                work.warning("lint-child-config", f"{local} {problem}", (*reference._origin.path, "local"))


def _problem(text: bytes) -> str:
    """Why a machine would refuse the config, empty where it would not."""
    from ignition_py.report.diag import ConfigError
    from ignition_py.spec.read import parse

    if text.lstrip().startswith((b"variant:", b"#", b"---")):
        return "is a Butane config; compile it first, since Ignition before 2.27 reads JSON only"
    try:
        _, _, report = parse(text)
    except ConfigError as error:
        report = error.report
        if not report.fatal:
            return f"is refused by Ignition: {error}"
    for entry in report:
        if entry.severity == ERROR:
            where = f" at {path_text(entry.place.path)}" if entry.place.path else ""
            return f"is refused by Ignition{where}: {entry.message}"
    return ""
