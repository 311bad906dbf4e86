"""How far the disks stage came, kept in the initramfs: one line per step, synced before the step's work begins.

A stage that is killed and run again in the same boot reads here what it did and what it was in the middle of. It
does not survive a power cut; what does is in the partitions' GUIDs (`identity.py`) and in the signatures
themselves.
"""

from __future__ import annotations

import os
from hashlib import sha256

from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Storage

PATH = "/run/ignition/disks-progress"


class Progress:
    """The record for one config. Each fact is a line of words; facts are only ever added."""

    __slots__ = ("_facts", "_path")

    def __init__(self, path: str, facts: list[str]) -> None:
        self._path = path
        self._facts = facts

    def has(self, *words: str) -> bool:
        return " ".join(words) in self._facts

    def add(self, *words: str) -> None:
        """Notes a fact; words have no spaces or line breaks (`word()` makes them so). Raises StageError."""
        fact = " ".join(words)
        if fact in self._facts:
            return
        self._facts.append(fact)
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(fd, f"{fact}\n".encode())
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise StageError(f"noting the progress of the disks stage in {self._path}: {error.strerror}") from None


def word(text: str) -> str:
    """`text` as one word of a fact."""
    return "".join(c if c.isalnum() or c in "/._-:" else f"%{ord(c):x}%" for c in text)


def digest(thing: object) -> str:
    """A short digest of a part of the config or a table; secrets are hidden in its `repr` and so are not in it."""
    return sha256(repr(thing).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def load(storage: Storage, path: str = "") -> Progress:
    """The record of an earlier run with the same disks, RAIDs, LUKS volumes and filesystems; else an empty one."""
    path = path or PATH
    lines = _lines(path)
    if lines[:1] == [_head(storage)]:
        return Progress(path, lines[:-1])  # a line without its end was cut off and does not count
    if lines:
        try:
            os.unlink(path)
        except FileNotFoundError:  # another run beside this one
            pass
        except OSError as error:
            raise StageError(f"removing the progress of another config, {path}: {error.strerror}") from None
    progress = Progress(path, [])
    progress.add(_head(storage))
    return progress


def peek(storage: Storage, path: str = "", *, live: bool = True) -> Progress:
    """What `load` returns, without making or removing anything. `live` False: an empty record. Without permission this returns an
    empty record too; reading the disks reports the error. Raises StageError."""
    path = path or PATH
    lines = _lines(path) if live and os.access(path, os.R_OK) else []
    return Progress("", lines[:-1] if lines[:1] == [_head(storage)] else [])


def _head(storage: Storage) -> str:
    return "config " + digest((storage.disks, storage.raid, storage.luks, storage.filesystems))


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().split("\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StageError(f"reading the progress of the disks stage from {path}: {error.strerror}") from None
