"""The local files that a config names: what its output may not overwrite, and what `--watch` looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator

from butane_py.compilation import Compilation
from butane_py.resources import LocalFileError, inside
from ignition_py.spec.model import Struct

_TEXTS = ("local", "contents_local")
_LISTS = ("ssh_authorized_keys_local",)


def files_read(work: Compilation) -> tuple[str, ...]:
    """Paths of the local files and trees that the config names, whether they could be read or not; of trees, all that is in them."""
    base = work.options.files_dir
    if not base or not hasattr(work, "config"):
        return ()
    paths: list[str] = []
    for name in _named(work.config):
        try:
            path = inside(base, name)
        except (LocalFileError, ValueError):
            continue
        paths.append(path)
        if os.path.isdir(path):
            paths += below(path)
    return tuple(paths)


def _named(struct: Struct) -> Iterator[str]:
    for entry, value in struct.items():
        if entry.name in _TEXTS and isinstance(value, str):
            yield value
        elif entry.name in _LISTS:
            yield from value
        elif entry.struct is not None:
            for item in value if entry.many else (value,):
                yield from _named(item)


def below(folder: str) -> Iterator[str]:
    """Everything in a folder, at any depth."""
    for base, folders, files in os.walk(folder):
        yield from (os.path.join(base, name) for name in (*folders, *files))
