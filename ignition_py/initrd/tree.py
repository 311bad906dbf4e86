"""Files that are to be in an initramfs, before they are written anywhere: contents, or the file to take them from.

The builders (`standalone.py`, `whole.py`) fill a `Tree`; `newc.py` writes it as an archive, `Tree.write()` into a folder.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import IgnitionError


class BuildError(IgnitionError):
    """Something that the initramfs needs is not here, or a program of the build failed."""


class Entry(Record):
    """One file: `data`, or what is at `source`; a link where `target` is set. `part` is what it is counted as."""

    part: str
    mode: int
    _: KW_ONLY
    data: bytes = b""
    source: str = ""
    target: str = ""

    def contents(self) -> bytes:
        """Raises BuildError."""
        if self.target:
            return self.target.encode()
        if not self.source:
            return self.data
        try:
            with open(self.source, "rb") as file:
                return file.read()
        except OSError as error:
            raise BuildError(f"reading {self.source} for the initramfs: {error.strerror}") from None


class Tree:
    """Path (absolute, in the initramfs) -> Entry. The first entry of a path stays."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def add(self, path: str, data: bytes, *, part: str, mode: int = 0o644) -> None:
        self.entries.setdefault(path, Entry(part, stat.S_IFREG | mode, data=data))

    def copy(self, source: str, path: str, *, part: str) -> None:
        """A file of this machine. Raises BuildError."""
        try:
            mode = 0o755 if os.stat(source).st_mode & 0o111 else 0o644
        except OSError as error:
            raise BuildError(f"{source} is to go into the initramfs: {error.strerror}") from None
        self.entries.setdefault(path, Entry(part, stat.S_IFREG | mode, source=source))

    def link(self, target: str, path: str, *, part: str) -> None:
        self.entries.setdefault(path, Entry(part, stat.S_IFLNK | 0o777, target=target))

    def folders(self) -> list[str]:
        """Every folder that the entries need, parents first."""
        found: set[str] = set()
        for path in self.entries:
            while (path := os.path.dirname(path)) != "/":
                found.add(path)
        return sorted(found)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(sorted(self.entries.items()))

    def write(self, destination: str) -> None:
        """Raises BuildError, OSError."""
        for path in self.folders():
            os.makedirs(destination + path, exist_ok=True)
        for path, entry in self:
            if entry.target:
                os.symlink(entry.target, destination + path)
            elif entry.source:
                shutil.copyfile(entry.source, destination + path)
            else:
                with open(destination + path, "wb") as file:
                    file.write(entry.data)
            if not entry.target:
                os.chmod(destination + path, stat.S_IMODE(entry.mode))
