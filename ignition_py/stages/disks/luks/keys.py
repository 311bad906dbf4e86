"""Keys of LUKS volumes as private files in the initramfs' memory: cryptsetup and Clevis read them from there.

A key never stands in an argument or a log. A generated key stays until the files stage has put it into the new root,
so that a disks stage that was killed can go on with the volume it has made; a given one can be fetched again.
"""

from __future__ import annotations

import os

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Luks
from ignition_py.system.host import write_private

DIRECTORY = "/run/ignition/luks-keys"
RANDOM_BYTES = 4096  # of a generated key, the reference's; its file is twice as long
LARGEST = 8 << 20  # bytes; what cryptsetup reads of a key file


def generate() -> bytes:
    """A random key in hexadecimal: Clevis cannot pass on a key that has NUL bytes or line feeds."""
    return os.urandom(RANDOM_BYTES).hex().encode()


def of_config(ctx: Context, luks: Luks) -> bytes:
    """The key that the config gives. Raises FetchError, StageError."""
    place = luks.place()
    what = f"key file of LUKS volume {luks.name}"
    key = ctx.fetcher.read(luks.key_file, what=what, limit=LARGEST)
    if not key:
        raise StageError(f"{what}: it is empty", place=place)
    return key


def path_of(name: str) -> str:
    """Where the key of a volume is kept. Clevis splits the path at white space, so it has none."""
    return os.path.join(DIRECTORY, "key-" + "".join(c if (c.isascii() and c.isalnum()) or c in "-_." else f"%{ord(c):x}%" for c in name))


def put(name: str, key: bytes) -> str:
    """Writes a key for programs to read; returns its path. Raises IgnitionError."""
    path = path_of(name)
    write_private(path, key, what="the key of a LUKS volume")
    return path


def get(name: str) -> bytes | None:
    """The key that an earlier run of this boot has left. Raises StageError."""
    try:
        with open(path_of(name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StageError(f"reading the key of LUKS volume {name}: {error.strerror}") from None


def drop(name: str) -> None:
    try:
        os.unlink(path_of(name))
    except FileNotFoundError:
        return


def drop_all() -> None:
    """Takes away every key; the files stage has put them into the new root."""
    if os.path.isdir(DIRECTORY):
        for name in os.listdir(DIRECTORY):
            os.unlink(os.path.join(DIRECTORY, name))
        os.rmdir(DIRECTORY)
