"""Lines of our own behind those of a file that the image may have (presets, mdadm.conf), added once however often it is run."""

from __future__ import annotations

from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.nodes.writer import Permissions, Writer
from ignition_py.stages.files.touched import Touched
from ignition_py.system.log import Log
from ignition_py.system.rootfs import Root


def own_length(root: Root, journal: Journal, path: str) -> int:
    """How many bytes of the file are the image's own. The journal learns of it, and has to be saved. Raises OSError, StageError."""
    where = root.locate(path)
    journal.written(where)
    if root.lstat(path) is None:
        journal.absent(where)
    elif not journal.was_absent(where):
        return journal.base(where)
    return 0


def extend(log: Log, root: Root, path: str, length: int, text: str, touched: Touched) -> None:
    """Writes the file anew: its own `length` bytes, then `text`. It keeps its owner and mode; a new one gets 0644. Raises OSError."""
    before = (root.read(path) or b"")[:length] if length else b""
    found = root.lstat(path, follow=True) if length else None
    permissions = Permissions(found.st_mode & 0o7777, found.st_uid, found.st_gid) if found is not None else Permissions(0o644)
    with Writer(root, log) as writer:
        writer.write(path, (before, text.encode("utf-8", "surrogatepass")), permissions)
    touched.add(root.locate(path))
