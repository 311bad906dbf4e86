"""The shared libraries that binaries need, by asking the dynamic linker itself (ld.so(8), `--list`).

What a binary opens only while it runs is in no list; system/libraries.py names what is known to be.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from ignition_py.initrd.tree import BuildError
from ignition_py.system.libraries import listed, opened
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run

_PT_INTERP = 3  # elf(5)


def linker_of(path: str) -> str:
    """The dynamic linker that an executable asks for, "" for a static one or none. Raises BuildError."""
    try:
        with open(path, "rb") as file:
            data = file.read(1 << 16)  # program headers are at the beginning
    except OSError as error:
        raise BuildError(f"reading {path}: {error.strerror}") from None
    if data[:4] != b"\x7fELF":
        return ""
    order = "<" if data[5] == 1 else ">"
    try:
        if data[4] == 2:  # 64 bits
            start, size, count = (struct.unpack_from(f"{order}Q", data, 32)[0], *struct.unpack_from(f"{order}HH", data, 54))
            place, length = 8, 32
            word = "Q"
        else:
            start, size, count = (struct.unpack_from(f"{order}I", data, 28)[0], *struct.unpack_from(f"{order}HH", data, 42))
            place, length = 4, 16
            word = "I"
        for at in range(start, start + size * count, size):
            if struct.unpack_from(f"{order}I", data, at)[0] == _PT_INTERP:
                offset = struct.unpack_from(f"{order}{word}", data, at + place)[0]
                long = struct.unpack_from(f"{order}{word}", data, at + length)[0]
                return bytes(data[offset : offset + long]).rstrip(b"\0").decode()
    except struct.error:
        raise BuildError(f"{path} is a damaged ELF file") from None
    return ""


def libraries_of(log: Log, linker: str, paths: Iterable[str]) -> dict[str, str]:
    """Name -> path on this machine of every library that ELF files need, and those that are only opened. Raises BuildError."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            listing = run(log, [linker, "--list", path], what=f"looking for the libraries of {path}").stdout.decode()
        except CommandError as error:
            if "statically linked" in str(error) or "not a dynamic executable" in str(error):
                continue
            raise BuildError(str(error), hint=error.hint) from None
        here, missing = listed(listing)
        if missing:
            raise BuildError(f"{path} needs the library {missing[0]}, which is not on this machine")
        found = {**here, **found}
    return {**opened(found), **found}
