"""`ssh_authorized_keys_local`: keys from local files follow those in the config, a key a line."""

from __future__ import annotations

from typing import Any

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.feature import Feature
from butane_py.resources import LocalFileError, no_files, read_local
from butane_py.yaml.source import At
from ignition_py.spec.model import Origin, extends, field


@extends
class PasswdUser(base.PasswdUser):
    ssh_authorized_keys_local: tuple[str, ...] = field(
        "Paths of local files with public SSH keys, a key a line.", since=4
    )


class _Keys(At):
    """A user's keys: the first `count` stand in the config, each of the others in the local file of `files` that `file_of` names."""

    __slots__ = ("_count", "_file_of")

    def __init__(self, files: At, count: int, file_of: list[int]) -> None:
        super().__init__(files.source, files.path)
        self._count = count
        self._file_of = file_of

    def item(self, index: int) -> Origin:
        if index < self._count:
            return At(self.source, (*self.path[:-1], "ssh_authorized_keys", index))
        return super().item(self._file_of[index - self._count])


def _user(work: Compilation, it: PasswdUser, values: dict[str, Any]) -> None:
    if not it.ssh_authorized_keys_local:
        return
    files = it._origin.field(type(it).FIELDS["ssh_authorized_keys_local"]) if it._origin else None
    if not work.options.files_dir:
        work.local_file_error(no_files(work.options), files)
        return
    keys = list(it.ssh_authorized_keys)
    file_of = []  # for each key that a file has, the index of the file
    for index, path in enumerate(it.ssh_authorized_keys_local):
        try:
            text = read_local(path, work.options).decode("utf-8", "surrogateescape")
        except LocalFileError as error:
            work.local_file_error(error, files, index)
            continue
        lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
        keys += lines
        file_of += [index] * len(lines)
    values["ssh_authorized_keys"] = tuple(keys)
    if isinstance(files, At):
        values["_sources"] = {"ssh_authorized_keys": _Keys(files, len(it.ssh_authorized_keys), file_of)}


FEATURE = Feature(handlers={PasswdUser: _user})
