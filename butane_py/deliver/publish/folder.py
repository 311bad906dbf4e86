"""A folder as a store: for any web server, or to be copied on (`rclone`, `aws s3 sync`)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.objects import LIMIT, Objects
from butane_py.deliver.publish.store import checked_name, is_name
from butane_py.files import write_output
from ignition_py.system.streams import reason


def open_at(destination: str, *, base_url: str, private: bool) -> Folder:
    """The folder at `destination`, which the first object makes. Raises DeliveryError where something else is there."""
    if os.path.exists(destination) and not os.path.isdir(destination):
        raise DeliveryError(f"{destination} is not a folder", hint="Name a folder to publish to")
    return Folder(destination, base_url, private=private)


class Folder(Objects):
    """Files below a folder. Symbolic links below it are neither read nor written through."""

    def __init__(self, path: str, base_url: str, *, private: bool = False) -> None:
        super().__init__(path, base_url)
        self._private = private

    def _get(self, name: str) -> bytes | None:
        with _told():
            try:
                descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise DeliveryError(f"{self.where}: {name} is not a regular file")
                return file.read(LIMIT + 1)

    def _create(self, name: str, data: bytes, host: str) -> bool:
        with _told():
            path = self._path(name)
            os.makedirs(os.path.dirname(path), mode=0o700 if self._private else 0o777, exist_ok=True)
            write_output(path, data, private=self._private)
        return True

    def names(self) -> Iterator[str]:
        """The names of all files that can be objects, in order."""
        with _told():
            for folder in ("", *_folders(self.where)):
                for entry in _entries(os.path.join(self.where, folder)):
                    name = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_file(follow_symlinks=False) and is_name(name):
                        yield name

    def remove(self, name: str) -> None:
        """Removes the file; of a symbolic link the link."""
        with _told(), suppress(FileNotFoundError):
            os.unlink(self._path(checked_name(name)))

    def _path(self, name: str) -> str:
        """The file of an object. Raises DeliveryError where a symbolic link leads elsewhere."""
        path = os.path.join(self.where, name)
        for each in (os.path.dirname(path), path) if "/" in name else (path,):
            if os.path.islink(each):
                raise DeliveryError(
                    f"{each} is a symbolic link, and is not followed", hint="Remove it, or publish elsewhere"
                )
        return path


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeliveryError(reason(error)) from None


def _folders(path: str) -> list[str]:
    return [entry.name for entry in _entries(path) if entry.is_dir(follow_symlinks=False)]


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
