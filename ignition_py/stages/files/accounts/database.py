"""Changes to passwd, shadow, group and gshadow of the new root by this program itself, under the lock that the
shadow tools use.

`make.py` says what goes into the lines. Formats: passwd(5), shadow(5), group(5),
gshadow(5); lock: lckpwdf(3).
"""

from __future__ import annotations

import errno
import os
import time
from types import TracebackType
from typing import Self

from ignition_py.report.diag import StageError
from ignition_py.spec.provisioning import value_problem
from ignition_py.system.rootfs import Root, shown

LOCK = "/etc/.pwd.lock"
LOCK_SECONDS = 15.0  # as lckpwdf(3)
_DAY = 86400
# Fields of a line, and the mode of a file that has to be made. Those with hashes are for root alone.
FILES = {"passwd": (7, 0o644), "shadow": (9, 0o600), "group": (4, 0o644), "gshadow": (4, 0o600), "subuid": (3, 0o644), "subgid": (3, 0o644)}


class Database:
    """`with Database(root) as database:` holds the lock; each change replaces one file as a whole."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._fd = -1

    def __enter__(self) -> Self:
        import fcntl

        with self._root.spot(LOCK, create=True) as spot:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            self._fd = os.open(spot.name, flags, 0o600, dir_fd=spot.dir)
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN) or time.monotonic() > deadline:
                    self.__exit__(None, None, None)
                    raise StageError(f"the account files are locked: {error.strerror}", hint=f"Another program holds {LOCK}") from None
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._fd >= 0:
            os.close(self._fd)  # and with it the lock
            self._fd = -1

    def exists(self, name: str) -> bool:
        return self._root.is_file(f"/etc/{name}")

    def lines(self, name: str) -> list[str]:
        """The lines of a file; none where it is missing."""
        text = (self._root.read(f"/etc/{name}") or b"").decode("utf-8", "surrogateescape")
        lines = text.split("\n")
        return lines[:-1] if lines[-1] == "" else lines

    def find(self, name: str, key: str) -> list[str] | None:
        """The fields of the line of an account."""
        prefix = key + ":"
        for line in self.lines(name):
            if line.startswith(prefix):
                return _fields(line, FILES[name][0])
        return None

    def put(self, name: str, fields: list[str]) -> None:
        """Replaces the line of an account, or adds one."""
        lines = self.lines(name)
        prefix, new = fields[0] + ":", ":".join(fields)
        for field in fields:
            why = value_problem(field)
            if why:  # without the value: it may be a password hash
                raise StageError(f"{shown(fields[0])}: a value for /etc/{name} {why}")
        for index, line in enumerate(lines):
            if line.startswith(prefix):
                if line == new:
                    return
                lines[index] = new
                break
        else:
            lines.append(new)
        self._write(name, lines)

    def remove(self, name: str, key: str) -> None:
        """Takes the line of an account out."""
        lines = self.lines(name)
        kept = [line for line in lines if not line.startswith(key + ":")]
        if kept != lines:
            self._write(name, kept)

    def purge_user(self, name: str) -> None:
        """Takes every line of a user out, and the user out of all groups."""
        for kind in ("passwd", "shadow", "subuid", "subgid"):
            self.remove(kind, name)
        self.join(name, (), leave=True)

    def purge_group(self, name: str) -> None:
        """Takes every line of a group out."""
        for kind in ("group", "gshadow"):
            self.remove(kind, name)

    def join(self, user: str, groups: tuple[str, ...], *, leave: bool) -> None:
        """Makes the user a member of the groups and, with `leave`, of no others."""
        for kind in ("group", "gshadow"):
            lines = []
            for line in self.lines(kind):
                fields = line.split(":")
                if len(fields) == 4:
                    members = [member for member in fields[3].split(",") if member and (member != user or not leave)]
                    if fields[0] in groups and user not in members:
                        members.append(user)
                    line = ":".join([*fields[:3], ",".join(members)])
                lines.append(line)
            self.rewrite(kind, lines)

    def rewrite(self, name: str, lines: list[str]) -> None:
        """Replaces all lines."""
        if lines != self.lines(name):
            self._write(name, lines)

    def set_password(self, user: str, digest: str) -> None:
        """Sets the password hash of a user and the day of the change. A user without a shadow line gets one."""
        shadow = self.find("shadow", user) or [user, "", "", "", "", "", "", "", ""]
        if shadow[1] != digest or not shadow[2]:
            shadow[1], shadow[2] = digest, today()
            self.put("shadow", shadow)
        passwd = self.find("passwd", user)
        if passwd is not None and passwd[1] != "x":
            passwd[1] = "x"
            self.put("passwd", passwd)

    def set_group_password(self, group: str, digest: str) -> None:
        """Sets the password hash of a group; it goes to gshadow, which is made where it is missing."""
        line = self.find("group", group)
        gshadow = self.find("gshadow", group) or [group, "", "", line[3] if line else ""]
        gshadow[1] = digest
        self.put("gshadow", gshadow)
        if line is not None and line[1] != "x":
            line[1] = "x"
            self.put("group", line)

    def _write(self, name: str, lines: list[str]) -> None:
        try:
            data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise StageError(f"/etc/{name}: a value holds half a surrogate pair") from None
        with self._root.spot(f"/etc/{name}", create=True, follow=True) as spot:
            found = spot.lstat()
            fd, temporary = spot.create_temporary()
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                if found is not None:
                    os.fchown(fd, found.st_uid, found.st_gid)
                os.fchmod(fd, FILES[name][1] if found is None else found.st_mode & 0o7777)
                os.fsync(fd)
            spot.rename_from(temporary)


def today() -> str:
    """The day, in days since 1970, never 0: that would mean "has to be changed at the next login"."""
    return str(max(1, int(time.time()) // _DAY))


def _fields(line: str, count: int) -> list[str]:
    fields = line.split(":")
    return (fields + [""] * count)[:count]
