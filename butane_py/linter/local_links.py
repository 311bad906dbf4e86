"""Local files that symbolic links lead out of the files directory: what they embed depends on the machine that compiles."""

from __future__ import annotations

import os
from collections.abc import Iterator

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from butane_py.resources import inside
from butane_py.yaml.source import At
from ignition_py.report.diag import Path
from ignition_py.report.examples import file_
from ignition_py.spec.model import Struct

_SINGLE = ("local", "contents_local")
_MANY = ("ssh_authorized_keys_local",)


@lint(
    "lint-local-link",
    written=True,
    title="A symbolic link leads out of the files directory",
    why="What is embedded is not in the files directory, so another machine embeds something else, or nothing.",
    fix="Copy the file into the files directory.",
    wrong=file_("contents:\n  local: outside"),
    right=file_("contents:\n  local: a.txt"),
    local=True,
)
def local_link(facts: Facts, find: Find) -> None:
    """Local files whose real path is outside of the files directory."""
    base = facts.work.options.files_dir
    if not base:
        return
    real = os.path.realpath(base)
    for path, local in local_files(facts.config):
        target = os.path.realpath(inside(base, local))
        if target != real and not target.startswith(real.rstrip("/") + "/"):
            message = f"{local} is outside the files directory: a symbolic link leads to {target}"
            find.at_yaml(path, message, hint="copy the file into the files directory")


def local_files(struct: Struct) -> Iterator[tuple[Path, str]]:
    """The YAML path and the text of every reference to a local file or directory."""
    here = struct._origin.path if isinstance(struct._origin, At) else ()
    for entry, value in struct.items():
        if entry.name in _SINGLE and isinstance(value, str):
            yield (*here, entry.name), value
        elif entry.name in _MANY:
            yield from (((*here, entry.name, i), item) for i, item in enumerate(value))
        for item in value if entry.many else (value,):
            if isinstance(item, Struct):
                yield from local_files(item)
