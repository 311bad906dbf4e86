"""Applies the plan of files, directories and links: the only part of `storage` that writes to the new root."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from ignition_py.context import Context
from ignition_py.record import Record, field
from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.files.accounts.lookup import FILES as ACCOUNT_FILES
from ignition_py.stages.files.accounts.lookup import Accounts
from ignition_py.stages.files.nodes.plan import (
    DIRECTORY_MODE,
    FILE_MODE,
    MakeDirectory,
    MakeHardlink,
    MakeSymlink,
    NodeOp,
    SetPermissions,
    WriteFile,
)
from ignition_py.stages.files.nodes.writer import NotWrittenError, Permissions, Piece, Writer
from ignition_py.stages.files.touched import Touched
from ignition_py.stages.files.words import about
from ignition_py.system.rootfs import Root, Spot, shown

if TYPE_CHECKING:
    from ignition_py.stages.files.credstore import Sealer

_TARGET = "Name a file in `target` that is there, or that this config writes"
_ALL_IDS = (1 << 32) - 1  # what uid_map shows outside of any user namespace


def apply_nodes(
    ctx: Context, root: Root, accounts: Accounts, ops: tuple[NodeOp, ...], touched: Touched, sealer: Sealer | None = None
) -> None:
    """Applies the operations in order; `sealer` encrypts the contents of credentials. Raises IgnitionError naming the entry."""
    written: dict[str, NodeOp] = {}
    ctx.log.progress(f"files: writing {len(ops)} files, directories and links")
    accounts.refresh()
    try:
        with Writer(root, ctx.log) as writer:
            applier = _Applier(ctx, root, accounts, writer, touched, sealer)
            applier.later.update(op.where for op in ops if op.fresh)
            for op in ops:
                written[op.path] = op
                applier.later.discard(op.where)
                _apply_one(ctx, applier, op)
    except NotWrittenError as error:
        raise failed(written[error.path], error) from None


def _apply_one(ctx: Context, applier: _Applier, op: NodeOp) -> None:
    what, start = f"files: {op.describe()}", time.monotonic()
    ctx.log.info(what)
    try:
        applier.apply(op)
    except NotWrittenError:  # about an earlier entry
        raise
    except (OSError, OverflowError) as error:
        raise failed(op, error) from None
    except IgnitionError as error:
        error.place = error.place or op.place
        raise
    if ctx.log.recorder is not None:
        ctx.log.recorder.step(what, start)


_WAYS_OUT = {
    errno.ENOSPC: "Make the filesystem that the path is on larger, or write less to it",
    errno.EDQUOT: "Raise the quota of the entry's owner on that filesystem, or write less to it",
    errno.EROFS: "Choose a path on a filesystem that is mounted for writing, such as /etc or /var",
    errno.EXDEV: "Make both of them on one filesystem: links of this kind do not lead from one to another",
    **dict.fromkeys((errno.ENOTDIR, errno.ELOOP), "Choose a path whose parts are directories, or links that stay below the new root"),
}


def failed(op: NodeOp, error: OSError | OverflowError) -> StageError:
    """The sentence for a failed operation."""
    if isinstance(error, OverflowError):
        return StageError(f"{op.describe()}: an owner's id is out of range", place=op.place)
    hint = _WAYS_OUT.get(error.errno or 0, "")
    if error.errno in (errno.EPERM, errno.EINVAL) and (op.user is not None or op.group is not None or os.geteuid()):
        hint = _owner_hint()
    return StageError(f"{op.describe()}: {about(error, op.path, op.where)}", place=op.place, hint=hint)


def _owner_hint() -> str:
    """For who may not, or cannot, give files to others: an image may be built without being root."""
    if os.geteuid():
        return "Only root may give files to others; a user namespace does too (unshare --map-auto --map-root-user)"
    with open("/proc/self/uid_map", "rb") as file:
        ids = [int(line.split()[2]) for line in file]
    return "" if sum(ids) >= _ALL_IDS else f"This user namespace has {sum(ids)} ids; the owner may not be one of them"


def _like(found: os.stat_result, mode: int | None, uid: int, gid: int) -> Permissions:
    """Owner, group and mode of a file that is there, but for what is given (None and -1: nothing)."""
    wanted = found.st_mode if mode is None else mode
    return Permissions(wanted & 0o7777, found.st_uid if uid < 0 else uid, found.st_gid if gid < 0 else gid)


class _Applier(Record):
    ctx: Context
    root: Root
    accounts: Accounts
    writer: Writer
    touched: Touched
    sealer: Sealer | None = None
    later: set[str] = field(default_factory=set)  # paths where nothing is, or would be had there not been an interrupted run

    def apply(self, op: NodeOp) -> None:
        if isinstance(op, WriteFile):
            self.file(op)
        elif isinstance(op, MakeDirectory):
            self.directory(op)
        elif isinstance(op, SetPermissions):
            self.permissions(op)
        elif isinstance(op, MakeSymlink):
            self.symlink(op)
        elif isinstance(op, MakeHardlink):
            self.hardlink(op)

    def owner(self, op: NodeOp) -> tuple[int, int]:
        try:
            return self.accounts.uid(op.user), self.accounts.gid(op.group)
        except StageError as error:
            raise StageError(f"{op.describe()}: {error.message}", place=op.place, hint=error.hint) from None

    def directory(self, op: MakeDirectory) -> None:
        uid, gid = self.owner(op)
        mode = op.mode
        with self.root.spot(op.path, create=True) as spot:
            found = spot.lstat()
            if op.replace and found is not None:
                self.writer.flush()
                spot.remove()
                found = None
            if found is None:
                spot.mkdir(DIRECTORY_MODE if mode is None else 0o700)
                self.touched.add(spot.where)
            elif op.ours:  # made by an interrupted run: bring it to what a new one is
                inherited = found.st_mode & stat.S_ISGID
                uid, gid = max(uid, 0), gid if inherited else max(gid, 0)
                mode = DIRECTORY_MODE | inherited if mode is None else mode
                self.touched.add(spot.where)
            spot.set_owner(uid, gid)
            if mode is not None:
                spot.set_mode(mode & 0o7777)

    def file(self, op: WriteFile) -> None:
        uid, gid = self.owner(op)
        if op.base is None:
            mode = op.mode if op.mode is not None else FILE_MODE
            contents = self._contents(op)
            if self.sealer is not None and self.sealer.seals(op.path):
                contents = self.sealer.sealed(op.path, contents)
            self.writer.write(op.path, contents, Permissions(mode & 0o7777, uid, gid), over_directory=op.replace)
            self.touched.add(op.where)
            if op.where in ACCOUNT_FILES:
                self.writer.flush()
                self.accounts.refresh()
            return
        self.writer.flush()
        with self.root.spot(op.path) as spot:
            fd = spot.open_regular()
            try:
                self._append(op, fd, uid, gid)
            finally:
                os.close(fd)

    def _append(self, op: WriteFile, fd: int, uid: int, gid: int) -> None:
        """Writes a new file of what was there and what comes behind it, like the old one in everything else. Other names of the old
        one (hard links) keep its contents: they may lie outside of the root, as in a tree that `cp -al` has made."""
        found = os.fstat(fd)
        pieces = chain(self._first(op, fd, op.base or 0), self._contents(op))
        self.writer.write(op.path, pieces, _like(found, op.mode, uid, gid), like=fd)

    def _first(self, op: NodeOp, fd: int, size: int) -> Iterator[Piece]:
        """The first `size` bytes of an open file."""
        left = size
        while left > 0:
            piece = os.read(fd, min(left, 1 << 20))
            if not piece:
                raise StageError(f"{op.describe()}: the file became shorter while it was read")
            left -= len(piece)
            yield piece

    def _contents(self, op: WriteFile) -> Iterator[Piece]:
        for number, source in enumerate(op.sources):
            if source.source:
                what = f"contents of {shown(op.path)}" if len(op.sources) == 1 else f"part {number + 1} of {shown(op.path)}"
                yield self.ctx.fetcher.content(source, what=what)

    def permissions(self, op: SetPermissions) -> None:
        uid, gid = self.owner(op)
        with self.root.spot(op.path) as spot:
            found = spot.lstat()
            if found is None or not stat.S_ISREG(found.st_mode) or found.st_nlink == 1:
                spot.set_owner(uid, gid)
                if op.mode is not None:
                    spot.set_mode(op.mode & 0o7777)
                return
            wanted = _like(found, op.mode, uid, gid)
            if wanted == _like(found, None, -1, -1):
                return
            fd = spot.open_regular()
        try:  # a file of several names: this one gets a copy, the others stay as they are
            self.writer.write(op.path, self._first(op, fd, found.st_size), wanted, like=fd)
        finally:
            os.close(fd)

    def symlink(self, op: MakeSymlink) -> None:
        self.writer.flush()
        uid, gid = self.owner(op)
        with self.root.spot(op.path, create=True) as spot:
            self._clear(op, spot)
            target = None if op.target.startswith("/") else self._target(op)
            # As the reference: a link that names no owner gets the one of what it points to.
            default = (target.st_uid, target.st_gid) if target is not None else (0, 0)
            if os.geteuid():  # building an image as somebody else, who owns what is made and cannot give it away
                default = (-1, -1)
            spot.symlink(op.target, default[0] if uid < 0 else uid, default[1] if gid < 0 else gid)
            self.touched.add(spot.where)

    def _target(self, op: MakeSymlink) -> os.stat_result | None:
        try:
            with self.root.spot(f"{op.where.rpartition('/')[0]}/{op.target}", follow=True) as target:
                return None if target.where in self.later else target.lstat()
        except OSError:
            return None

    def hardlink(self, op: MakeHardlink) -> None:
        self.writer.flush()
        with self.root.spot(op.path, create=True) as spot, self.root.spot(op.target) as target:
            found = target.lstat()
            if found is None:
                raise StageError(f"{op.describe()}: its target {shown(op.target)} does not exist", hint=_TARGET)
            if stat.S_ISDIR(found.st_mode):
                raise StageError(f"{op.describe()}: its target {shown(op.target)} is a directory", hint=_TARGET)
            self._clear(op, spot)
            spot.hardlink(target)
            self.touched.add(spot.where)

    def _clear(self, op: NodeOp, spot: Spot) -> None:
        """Removes a directory in the way; anything else is replaced in one step."""
        found = spot.lstat()
        if found is None:
            return
        if not op.replace:
            spot.fail(errno.EEXIST)
        if stat.S_ISDIR(found.st_mode):
            spot.remove()
