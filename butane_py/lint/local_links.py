"""Local files that symbolic links lead out of the files directory: what they embed depends on the machine that compiles."""

from __future__ import annotations

import os

from butane_py.resources import inside
from butane_py.yaml.source import At
from ignition_py.spec.model import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from butane_py import tables
    from butane_py.compilation import Compilation
    from ignition_py.report.diag import Path

_SINGLE = ("local", "contents_local")
_MANY = ("ssh_authorized_keys_local",)


def check_local_links(work: Compilation, config: tables.Config) -> None:
    base = work.options.files_dir
    if not base:
        return
    real = os.path.realpath(base)
    for path, local in local_files(config):
        target = os.path.realpath(inside(base, local))
        if target != real and not target.startswith(real.rstrip("/") + "/"):
            message = f"{local} is outside the files directory: a symbolic link leads to {target}"
            work.warning("lint-local-link", message, path)


def local_files(it: Struct) -> Iterator[tuple[Path, str]]:
    """The YAML path and the text of every reference to a local file or directory."""
    here = it._origin.path if isinstance(it._origin, At) else ()
    for entry, value in it.items():
        if entry.name in _SINGLE and isinstance(value, str):
            yield (*here, entry.name), value
        elif entry.name in _MANY:
            yield from (((*here, entry.name, i), item) for i, item in enumerate(value))
        for item in value if entry.many else (value,):
            if isinstance(item, Struct):
                yield from local_files(item)
