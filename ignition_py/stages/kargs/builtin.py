"""Kernel arguments without a helper of the image: boot entries of GRUB (blscfg) or systemd-boot are edited, then a reboot.

    bootfs.py finds and mounts -> entries.py decides -> here: written, read back, a stamp beside them -> one reboot

No reboot loop: there is one only if an entry had to be changed, and a stamp on the boot filesystem remembers for which
arguments. Entries that have lost them again after it, or a command line without them although the entries have them, are
an error. The stamp goes when the command line is as it should be.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable

from ignition_py import quickjson as json
from ignition_py.report.diag import StageError
from ignition_py.stages.files.nodes.writer import copy_attributes
from ignition_py.stages.kargs.bootfs import Mounted, Place, find
from ignition_py.stages.kargs.entries import Change, boots_linux, edited
from ignition_py.system.digest import digest_of
from ignition_py.system.host import write_all
from ignition_py.system.log import Log
from ignition_py.system.rootfs import Root, shown
from ignition_py.system.run import run

_FOLDERS = ("/loader/entries", "/boot/loader/entries")
_STAMP = ".ignition-kargs.json"  # beside the entries, where no boot loader looks at it
_MAX = 1 << 20  # bytes of an entry
_REBOOT_PATIENCE = 300.0  # seconds
_WHAT = "changing the kernel arguments"
_HELP = "Add an ignition-kargs-helper that knows the boot loader to the image, or take `kernelArguments` out of the config"


class NoEntriesError(StageError):
    """The filesystem holds no boot entries."""


def change_arguments(log: Log, wanted: tuple[str, ...], unwanted: tuple[str, ...], command_line: str) -> bool:
    """Changes the boot entries where they need it. True where the machine has to be rebooted. Raises StageError, CommandError."""
    if os.uname().machine == "s390x":
        raise StageError(f"{_WHAT}: this machine's boot loader (zipl) keeps its own copy of the boot entries", hint=_HELP)
    change = Change(wanted, unwanted)
    looked = []
    for place in find(log, command_line):
        if place.rivals:
            names = " and ".join(place.rivals)
            raise StageError(f"{_WHAT}: {place.what} could be {names}", hint="Detach all of them but one")
        try:
            return change_at(log, place, change, command_line)
        except NoEntriesError:
            looked.append(place.describe())
    where = f"there are none on {', '.join(looked)}" if looked else "there is no filesystem that could hold them"
    raise StageError(f"{_WHAT}: boot entries (loader/entries/*.conf) are needed, and {where}", hint=_HELP)


def change_at(log: Log, place: Place, change: Change, command_line: str) -> bool:
    """The same on one filesystem. Raises NoEntriesError where it has no entries."""
    try:
        with Mounted(log, place) as path, Root(path) as root:
            folder = _Folder(root, change)
            if not folder.changes():
                _settle_up(folder, command_line, place)
                return False
            folder.write(log)
        with Mounted(log, place) as path, Root(path) as root:
            if _Folder(root, change).changes():
                raise StageError(f"{_WHAT}: what was written to {place.describe()} is not there when it is read back")
    except OSError as error:
        raise StageError(f"{_WHAT}: {place.describe()}: {error.strerror} ({error.filename or 'boot entries'})") from None
    return True


def _settle_up(folder: _Folder, command_line: str, place: Place) -> None:
    """The entries are as they should be. Raises StageError where this boot is not."""
    if not folder.change.fulfilled(command_line):
        raise StageError(
            f"{_WHAT}: the boot entries on {place.describe()} are as the config says, "
            f"but this boot's command line is not: {folder.change.missing(command_line)}; the boot loader does not use these entries, "
            "or adds arguments of its own",
            hint=_HELP,
        )
    folder.remove_stamp()


class _Folder:
    """The folder of entries on a mounted filesystem. Raises OSError, StageError."""

    def __init__(self, root: Root, change: Change) -> None:
        self.root = root
        self.change = change
        self.entries: dict[str, str] = {}
        for path in _FOLDERS:
            self.path = path
            for name in root.listdir(path):
                text = self._read(f"{path}/{name}") if name.endswith(".conf") else None
                if text is not None and boots_linux(text):
                    self.entries[f"{path}/{name}"] = text
            if self.entries:
                return
        raise NoEntriesError(f"{_WHAT}: there are no boot entries")

    def _read(self, path: str) -> str | None:
        data = self.root.read(path, _MAX)
        return data.decode("utf-8", "surrogateescape") if data is not None else None

    def changes(self) -> dict[str, str]:
        """Path -> new text of the entries that have to be changed."""
        new = {path: edited(text, self.change) for path, text in self.entries.items()}
        return {path: text for path, text in new.items() if text != self.entries[path]}

    def _digest(self) -> str:
        return digest_of(json.dumps([self.change.wanted, self.change.unwanted]))

    def write(self, log: Log) -> None:
        """Entries first, the stamp last: without the stamp an interrupted run is one that has not happened yet."""
        stamp = f"{self.path}/{_STAMP}"
        if self._stamped(stamp):
            raise StageError(
                f"{_WHAT}: the boot entries were changed and the machine rebooted, and now they are as before; "
                "it would go on for ever",
                hint="Find what puts them back (an update of the kernel, a hook of the image) and set the arguments there",
            )
        for path, text in self.changes().items():
            log.info(f"kargs: boot entry {shown(path)}")
            self._replace(path, text)
        self._replace(stamp, json.dumps({"arguments": self._digest()}) + "\n")

    def _stamped(self, stamp: str) -> bool:
        try:
            return bool(json.loads(self.root.read(stamp, _MAX) or b"{}").get("arguments") == self._digest())
        except (ValueError, AttributeError, RecursionError):
            return False

    def remove_stamp(self) -> None:
        with self.root.spot(f"{self.path}/{_STAMP}") as spot:
            if spot.lstat() is not None:
                spot.remove()

    def _replace(self, path: str, text: str) -> None:
        """A whole new file in one step; its owner, mode and attributes are the old one's, on filesystems that have such."""
        with self.root.spot(path, follow=True) as spot:
            old = spot.open_regular() if spot.lstat() is not None else None
            try:
                fd, name = spot.create_temporary()
                try:
                    write_all(fd, text.encode("utf-8", "surrogateescape"))
                    if old is not None:
                        _like(old, fd)
                    os.fsync(fd)
                finally:
                    os.close(fd)
                spot.rename_from(name)
                folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=spot.dir)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
            finally:
                if old is not None:
                    os.close(old)


def _like(old: int, new: int) -> None:
    found = os.fstat(old)
    _if_supported(os.fchown, new, found.st_uid, found.st_gid)
    _if_supported(os.fchmod, new, found.st_mode & 0o7777)
    _if_supported(copy_attributes, old, new)


def _if_supported(act: Callable[..., None], *arguments: int) -> None:
    """FAT has neither owners nor attributes, and modes only as it is mounted."""
    try:
        act(*arguments)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EINVAL):
            raise


def reboot(log: Log) -> None:
    """Reboots at once: nothing but the boot filesystem has been written yet. Raises StageError where that does not happen."""
    message = "rebooting, so that the kernel gets its new arguments"
    log.notice(f"kargs: {message}")
    sys.stderr.write(f"Ignition: {message}\n")  # the console, which the log may not reach
    if log.recorder is not None:
        log.recorder.flush()
    run(log, ["systemctl", "reboot", "--force"], what="rebooting for the kernel arguments")
    time.sleep(_REBOOT_PATIENCE)  # until the manager ends this process
    raise StageError(f"rebooting for the kernel arguments: the machine was still up after {_REBOOT_PATIENCE:.0f} seconds")
