"""What was there before this stage first ran: so that a run after an interruption ends as an undisturbed one.

Kept in the new root, since `/run` does not outlive a power cut, as `/etc/.ignition-files.json` (mode 0600). It is
written, synced and renamed before the first change, and holds facts about the original tree only: which paths, users
and groups were absent, and how long files were that are appended to. A later run reads it and knows what is its own
work. Once a run has come to its end the journal says so, together with a digest of the config: the same config may
be applied again, another one meets the usual refusals.
"""

from __future__ import annotations

import os
from typing import Any

from ignition_py import quickjson as json
from ignition_py.report.diag import StageError
from ignition_py.system.digest import Digest
from ignition_py.system.rootfs import Root, shown

PATH = "/etc/.ignition-files.json"
_VERSION = 1
_LISTS = ("absent", "present", "accounts", "written", "missing")


class Journal:
    """`resumed`: an earlier run was interrupted, or came to its end with the same config.

    One that is not `kept` leaves no file behind: an image that is being built must not look like a provisioned machine.
    """

    def __init__(self, root: Root, digest: str, *, kept: bool = True) -> None:
        self.digest = digest
        self._kept = kept
        self._root = root
        self._missing: dict[str, str] = {}
        self.resumed = False
        self.interrupted = False
        self._facts: dict[str, set[str]] = {name: set() for name in _LISTS}
        self._bases: dict[str, tuple[int, str]] = {}
        self._dirty = False

    def was_absent(self, path: str) -> bool:
        """True if nothing was at `path` before this stage first ran; False where that is not known."""
        return path in self._facts["absent"]

    def absent(self, path: str) -> None:
        if path not in self._facts["present"]:
            self._note("absent", path)
            self._note("missing", self._outermost_missing(path))

    def present(self, path: str) -> None:
        self._note("present", path)

    def absent_account(self, account: str) -> None:
        """`account` ("users NAME", "groups NAME") does not exist."""
        self._note("accounts", account)

    def account_was_absent(self, account: str) -> bool:
        """True if `account` did not exist before this stage first ran."""
        return account in self._facts["accounts"]

    def written(self, path: str) -> None:
        """`path` is going to be written: a temporary file may be left beside it."""
        self._note("written", path)
        if self._root.lstat(path) is None:
            self._note("missing", self._outermost_missing(path))

    @property
    def missing(self) -> set[str]:
        """The outermost paths that had to be made for something to exist: what the stage makes new is at or below them."""
        return self._facts["missing"]

    def _outermost_missing(self, path: str) -> str:
        """The first missing directory on the way to `path`, which has no symlinks in it; `path` itself where all are there."""
        parent = path.rpartition("/")[0]
        if parent not in self._missing:
            exists = not parent or self._root.lstat(parent) is not None
            self._missing[parent] = "" if exists else self._outermost_missing(parent)
        return self._missing[parent] or path

    @property
    def targets(self) -> list[str]:
        """Every path that has been about to be written."""
        return sorted(self._facts["absent"] | self._facts["present"] | self._facts["written"])

    def base(self, path: str) -> int:
        """How many bytes the file at `path` had before this stage first appended to it.

        Raises StageError where those bytes have been changed since.
        """
        recorded = self._bases.get(path)
        size, digest = _prefix(self._root, path, recorded[0] if recorded else None)
        if recorded is None:
            self._bases[path] = (size, digest)
            self._dirty = True
        elif recorded != (size, digest):
            raise StageError(
                f"appending to {shown(path)}: the file has been changed since an earlier run appended to it",
                hint=f"Put the original file back, or remove {PATH} to append to the file as it is now",
            )
        return size

    def _note(self, name: str, value: str) -> None:
        if value not in self._facts[name]:
            self._facts[name].add(value)
            self._dirty = True

    def save(self, *, complete: bool = False) -> None:
        """Writes the journal where it has something new to say. Raises OSError."""
        if not self._kept or not (self._dirty or complete):
            return
        data: dict[str, Any] = {"version": _VERSION, "complete": complete, "config": self.digest, "bases": self._bases}
        data.update((name, sorted(values)) for name, values in self._facts.items())
        text = json.dumps(data, separators=(",", ":")).encode() + b"\n"
        with self._root.spot(PATH, create=True) as spot:
            fd, name = spot.create_temporary()
            with open(fd, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(fd)
            spot.rename_from(name)
        self._dirty = False


def load(root: Root, digest: str) -> Journal:
    """The journal of the root; an empty one where there is none, or where another config was applied to its end.

    Raises StageError where it is damaged.
    """
    journal = Journal(root, digest)
    try:
        text = root.read(PATH)
        if text is None:
            return journal
        data = json.loads(text)
        if data["version"] != _VERSION:
            raise ValueError
        if data["complete"] is True and data["config"] != digest:
            return journal
        journal.interrupted = data["complete"] is not True
        for name in _LISTS:
            journal._facts[name] = {str(value) for value in data[name]}
        journal._bases = {str(path): (int(size), str(digest)) for path, (size, digest) in data["bases"].items()}
    except OSError as error:
        raise StageError(f"reading {PATH} of an earlier run: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StageError(f"{PATH} of an earlier run is damaged", hint="Remove it to begin afresh") from None
    journal.resumed = journal._dirty = True  # from now on there is an unfinished run again
    return journal


def _prefix(root: Root, path: str, size: int | None) -> tuple[int, str]:
    """Size and digest of a file, or of its first `size` bytes."""
    digest = Digest()
    left = 1 << 62 if size is None else size
    done = 0
    with root.spot(path) as spot, open(spot.open_regular(), "rb") as file:
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            done += len(piece)
            left -= len(piece)
    return done, digest.text()
