"""Home directories and authorized keys.

Keys are written by a child process that has become the user: the directory is the user's, so nothing in it (a `.ssh`
that is a link to elsewhere) may borrow root's permissions. Which file they go to is a setting of the image, as in the
reference: `IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterable

from ignition_py.report.diag import StageError
from ignition_py.stages.files.accounts.lookup import User, login_defs, user_defaults
from ignition_py.stages.files.tools import image_setting
from ignition_py.stages.files.words import about
from ignition_py.system.log import Log
from ignition_py.system.rootfs import Root, Spot, chunks_of, decode, shown

FRAGMENT = ".ssh/authorized_keys.d/ignition"
WHOLE = ".ssh/authorized_keys"
# systemd.journal-fields(7): console-login-helper-messages and others look for this message.
MESSAGE_ID = "225067b87bbd4a0cb6ab151f82fa364b"


def keys_path(home: str) -> str:
    """Where the authorized keys of a user go. Raises StageError for a setting that is neither true nor false."""
    fragment = image_setting("IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT", default=True)
    return f"{home}/{FRAGMENT if fragment else WHOLE}"


def write_keys(root: Root, user: User, keys: tuple[str, ...]) -> str:
    """Replaces the user's file of authorized keys (mode 0600, its directories 0700). Returns its path. Raises StageError."""
    path = keys_path(user.home)
    text = "\n".join(keys)
    data = (text if text.endswith("\n") else text + "\n").encode("utf-8", "surrogatepass")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _write_as(root, user, path, data, writer)
    os.close(writer)
    with open(reader, "rb") as file:
        problem = decode(file.read())
    _, status = os.waitpid(pid, 0)
    if problem or status:
        raise StageError(
            f"writing {shown(path)} as user {shown(user.name)}: {problem or 'the child process died'}",
            hint="The home directory has to exist and to belong to the user",
        )
    return path


def _write_as(root: Root, user: User, path: str, data: bytes, writer: int) -> None:
    """The child process: becomes the user, writes, reports by the pipe. Never returns."""
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
        os.umask(0o077)
        with root.spot(path, create=True) as spot:
            fd, temporary = spot.create_temporary()
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            spot.rename_from(temporary)
    except OSError as error:
        os.write(writer, about(error, path).encode("utf-8", "replace"))
    except BaseException as error:
        os.write(writer, type(error).__name__.encode())
    finally:
        os._exit(0)


def announce_keys(log: Log, user: str, path: str) -> None:
    """Logs with the fields that login programs look for in the journal."""
    log.journal(
        f"wrote ssh authorized keys file for user: {user}",
        MESSAGE_ID=MESSAGE_ID, IGNITION_USER_NAME=user, IGNITION_PATH=path,
    )  # fmt: skip


def real_path(root: Root, directory: str) -> str:
    """Where a directory lies: with `/home` a link to `var/home`, `/home/core` is `/var/home/core`. What cannot be a directory (a home
    of `/dev/null`) stays as it is written."""
    path = "/" + directory.strip("/")
    try:
        return os.path.dirname(root.locate(f"{path.rstrip('/')}/inside"))
    except OSError:
        return path


def is_fresh(root: Root, home: str, mounts: Collection[str]) -> bool:
    """True if the home, which is at `home` once links are followed, was made for a mount (one of `mounts`) and holds nothing but
    other mounts: it is then new, and gets a skeleton."""
    if home not in mounts:
        return False
    names = (name for name in root.listdir(home) if name != "lost+found")
    return all(f"{home}/{name}" in mounts for name in names)


def own_mounts(root: Root, user: User, mounts: Iterable[str]) -> None:
    """Gives the user the directories in their home that were made for mounts (mode 0700); paths have no links."""
    home = real_path(root, user.home)
    for path in mounts if home != "/" else ():
        if path == home or path.startswith(home + "/"):
            with root.spot(path) as spot:
                spot.set_owner(user.uid, user.gid)
                spot.set_mode(0o700)


def complete_home(root: Root, user: User) -> None:
    """Makes the home directory, or what an interrupted useradd left out of it: useradd(8), HOME_MODE, UMASK, SKEL."""
    defs = login_defs(root)
    try:
        mode = int(defs["HOME_MODE"], 8) if "HOME_MODE" in defs else 0o777 & ~int(defs.get("UMASK", "022"), 8)
    except ValueError:
        mode = 0o700
    root.mkdirs(os.path.dirname(user.home.rstrip("/")) or "/")
    with root.spot(user.home) as spot:
        if spot.lstat() is None:
            spot.mkdir(0o700)
        spot.set_owner(user.uid, user.gid)
        spot.set_mode(mode & 0o7777)
    skel = user_defaults(root).get("SKEL", "/etc/skel")
    _copy_tree(root, skel, user.home, (user.uid, user.gid))


def _copy_tree(root: Root, source: str, target: str, owner: tuple[int, int] | None) -> None:
    """Copies what is missing in `target`; `owner` None keeps the owners. Devices, pipes and sockets are left out."""
    for name in root.listdir(source):
        with root.spot(f"{source}/{name}") as old, root.spot(f"{target}/{name}") as new:
            found = old.lstat()
            if found is None:
                continue
            uid, gid = (found.st_uid, found.st_gid) if owner is None else owner
            missing = new.lstat() is None
            if stat.S_ISLNK(found.st_mode) and missing:
                new.symlink(old.readlink(), uid, gid)
            elif stat.S_ISREG(found.st_mode) and missing:
                _copy_file(old, new, uid, gid, found.st_mode & 0o777)
            elif stat.S_ISDIR(found.st_mode):
                if missing:
                    new.mkdir(0o700)
                new.set_owner(uid, gid)
                new.set_mode(found.st_mode & 0o7777)
                _copy_tree(root, f"{source}/{name}", f"{target}/{name}", owner)


def _copy_file(old: Spot, new: Spot, uid: int, gid: int, mode: int) -> None:
    source = old.open_regular()
    try:
        fd, temporary = new.create_temporary()
        with open(fd, "wb") as file:
            for chunk in chunks_of(source):
                file.write(chunk)
            file.flush()
            os.fchown(fd, uid, gid)
            os.fchmod(fd, mode)
        new.rename_from(temporary)
    finally:
        os.close(source)


def move(root: Root, old: str, new: str) -> None:
    """Moves a home directory, also to another filesystem. Raises StageError where there is something already."""
    found = root.lstat(old)
    if found is None:
        return
    if root.lstat(new) is not None:
        raise StageError(f"moving home directory {shown(old)}: {shown(new)} exists already", hint="Choose another `homeDir`")
    with root.spot(old) as source, root.spot(new, create=True) as target:
        try:
            os.rename(source.name, target.name, src_dir_fd=source.dir, dst_dir_fd=target.dir)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            target.mkdir(0o700)
            target.set_owner(found.st_uid, found.st_gid)
            target.set_mode(found.st_mode & 0o7777)
            _copy_tree(root, old, new, None)
            source.remove()


def remove(root: Root, user: User) -> None:
    """Removes a home that belongs to the user; no system directory that serves as one."""
    found = root.lstat(user.home)
    if found is not None and found.st_uid == user.uid and user.home.strip("/").count("/") >= 1:
        with root.spot(user.home) as spot:
            spot.remove()


def give(root: Root, path: str, old: User, new: User) -> None:
    """Hands what belongs to the old ids in a home directory to the new ones."""
    with root.spot(path) as spot:
        found = spot.lstat()
        if found is None:
            return
        spot.set_owner(new.uid if found.st_uid == old.uid else -1, new.gid if found.st_gid == old.gid else -1)
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o6000:
            spot.set_mode(found.st_mode & 0o7777)
    if stat.S_ISDIR(found.st_mode):
        for name in root.listdir(path):
            give(root, f"{path}/{name}", old, new)
