"""A config in an initramfs of its own, as coreos-installer makes it: a cpio archive with `config.ign`, compressed by xz.

    wrap(config, path)    the archive, to append to the initramfs of a system, or to hand over as one more
    files(pieces)         the files of such archives, whoever has written them

Source: coreos-installer, docs/iso-embed-ignition.md, `pxe ignition wrap`; Documentation/staging/xz.rst of Linux for the checksum: CRC32,
the only one that the kernel's decoder takes.
"""

from __future__ import annotations

import lzma
from collections.abc import Collection, Iterable, Iterator, Mapping

from butane_py.deliver.model import DeliveryError
from ignition_py.initrd.newc import Damaged, Member, packed, unpacked

CONFIG = "config.ign"
# Who reads the config -> its path in the initramfs. The second is the user config of an image, which every Ignition looks for.
PATHS = {"coreos": CONFIG, "ignition": "usr/lib/ignition/user.ign"}
LIMIT = 256 << 20  # bytes of a file that is read: as much as the executor takes
_REGULAR, _FOLDER, _TYPE = 0o100600, 0o040755, 0o170000
_XZ, _CPIO = b"\xfd7zXZ\0", b"07070"
_OTHERS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4", b"BZh": "bzip2"}
_PIECE = 1 << 16


def wrap(config: bytes, path: str = CONFIG) -> bytes:
    """The archive with the config. The same bytes for the same config."""
    return pack({path: config})


def pack(found: Mapping[str, bytes]) -> bytes:
    """An archive of files by their paths, with the folders that the kernel needs to unpack them."""
    archive = b"".join(packed(_members(found)))
    return lzma.compress(archive, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, preset=9)


def _members(found: Mapping[str, bytes]) -> Iterator[Member]:
    made = set()
    for path in sorted(found):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in made:
                made.add(folder)
                yield folder, _FOLDER, b""
        yield path, _REGULAR, found[path]


def files(pieces: Iterable[bytes], *, only: Collection[str] = ()) -> dict[str, bytes]:
    """The regular files of all archives in the data, one behind the other with zeros between them; of several with one path the last
    counts, as it does for the kernel. `only` leaves out all other paths. Raises DeliveryError.
    """
    source = _Source(iter(pieces))
    found: dict[str, bytes] = {}
    total = 0

    def wanted(path: str, size: int) -> bool:
        nonlocal total
        if only and path not in only:
            return False
        total += size
        if total > LIMIT:
            raise DeliveryError(f"the files of the archive are larger than {LIMIT >> 20} MiB")
        return True

    try:
        while source.skip_zeros():
            archive = _opened(source)
            for path, mode, data in unpacked(archive.read, wanted):
                if mode & _TYPE == _REGULAR & _TYPE:
                    found[path] = data
            if archive is not source and archive.skip_zeros():
                raise Damaged("there is data behind its end")
    except (Damaged, lzma.LZMAError) as error:
        raise DeliveryError(f"the archive cannot be read: {error}") from None
    return found


def _opened(source: _Source) -> _Source:
    """The archive that begins here, decompressed. Raises DeliveryError for what is none."""
    head = source.peek(6)
    if head.startswith(_CPIO):
        return source
    if head == _XZ:
        return _Source(_inflated(source))
    other = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")
    if other:
        raise DeliveryError(
            f"the archive is compressed by {other}; archives that are not compressed, or by xz, can be read",
            hint=f"Decompress it with {other} -d first",
        )
    raise DeliveryError("this is not an initramfs archive", hint="butane-py pxe-initrd wrap makes one of a config")


class _Source:
    """Bytes that come in pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end, which stay."""
        while len(self._held) < count and (piece := next(self._pieces, b"")):
            self._held += piece
        return self._held[:count]

    def read(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end."""
        parts = []
        while count and (part := self._some(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _some(self, count: int) -> bytes:
        held = self._held or next(self._pieces, b"")
        self._held = held[count:]
        return held[:count]

    def piece(self) -> bytes:
        """Some bytes, b"" at the end."""
        return self._some(_PIECE)

    def give_back(self, data: bytes) -> None:
        """Puts bytes before those that follow."""
        self._held = data + self._held

    def skip_zeros(self) -> bool:
        """Reads over zeros; False at the end."""
        while data := self.piece():
            if rest := data.lstrip(b"\0"):
                self.give_back(rest)
                return True
        return False


def _inflated(source: _Source) -> Iterator[bytes]:
    """One xz stream, decompressed piece by piece; what follows it stays in the source. Raises LZMAError."""
    decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=LIMIT)
    while not decompressor.eof:
        data = source.piece() if decompressor.needs_input else b""
        if decompressor.needs_input and not data:
            raise lzma.LZMAError("the compressed data ends in the middle")
        if out := decompressor.decompress(data, _PIECE):
            yield out
    source.give_back(decompressor.unused_data)
