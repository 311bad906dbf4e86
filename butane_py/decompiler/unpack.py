"""Contents that a config carries itself, taken out of their data URLs: text as `inline`, the rest as files if wanted."""

from __future__ import annotations

import os

from ignition_py.spec.dataurl import DataUrlError, decode
from ignition_py.spec.tables import Resource

LARGE = 32 << 10  # bytes: text from here on is better off in a file, where there may be files
UNPACKED_LIMIT = 256 << 20  # bytes of one resource, unpacked
_KEPT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def contents_of(resource: Resource) -> bytes | None:
    """What a resource carries itself, unpacked; None where it does not, or where that is broken."""
    if not resource.source or not resource.source.lower().startswith("data:"):
        return None
    try:
        data = decode(resource.source)
    except DataUrlError:
        return None
    if resource.compression == "gzip":
        return _gunzipped(data)
    return None if resource.compression else data


def _gunzipped(data: bytes) -> bytes | None:
    import zlib

    out = b""
    try:
        while data:
            unpacker = zlib.decompressobj(wbits=31)
            out += unpacker.decompress(data, UNPACKED_LIMIT - len(out) + 1)
            if len(out) > UNPACKED_LIMIT or not unpacker.eof:
                return None
            data = unpacker.unused_data
    except zlib.error:
        return None
    return out


def as_text(contents: bytes) -> str | None:
    """`contents` as text that reads well in YAML, None where they are none."""
    try:
        text = contents.decode()
    except UnicodeDecodeError:
        return None
    odd = sum(not (char.isprintable() or char in "\n\t") for char in text)
    return None if odd else text


class Files:
    """Files to write beside the config: flat names made of what they are for, below `folder` ("" for a folder that is empty)."""

    def __init__(self, folder: str = "") -> None:
        self.contents: dict[str, bytes] = {}
        self._names: dict[str, str] = {}  # names as file systems that ignore case have them -> names
        self._folder = folder

    def add(self, wish: str, contents: bytes) -> str:
        """Keeps `contents`; the name, relative to the files directory."""
        plain = "".join(char if char in _KEPT else "-" for char in wish).strip("-.") or "contents"
        plain = plain[-100:].lstrip("-.") or "contents"
        name, count = plain, 1
        while not self._free(name, contents):
            count += 1
            name = f"{plain}-{count}"
        self._names[name.lower()] = name
        self.contents[name] = contents
        return name

    def _free(self, name: str, contents: bytes) -> bool:
        """True if the name is not taken, or stands for the same contents."""
        known = self._names.get(name.lower())
        if known is not None:
            return known == name and self.contents[name] == contents
        if not self._folder:
            return True
        path = os.path.join(self._folder, name)
        if not os.path.lexists(path):
            return True
        try:
            with open(path, "rb") as file:
                return os.path.isfile(path) and file.read() == contents
        except OSError:
            return False
