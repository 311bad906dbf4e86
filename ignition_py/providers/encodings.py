"""Encodings in which platforms keep user data: base64, since many take text only, and gzip, since many have a small limit."""

from __future__ import annotations

from binascii import Error, a2b_base64

from ignition_py.fetch.gunzip import gunzip as pieces_of
from ignition_py.report.diag import FetchError

LIMIT = 64 << 20  # bytes of what is compressed
WHITE_SPACE = b" \t\n\v\f\r"
GZIP = b"\x1f\x8b\x08"  # how it begins


def base64(data: bytes, *, what: str) -> bytes:
    """Decodes; white space does not count: XML makes blanks of the line breaks in an attribute. Raises FetchError, whose sentence
    `what` begins."""
    try:
        return a2b_base64(data.translate(None, WHITE_SPACE), strict_mode=True)
    except Error:
        pass
    from ignition_py.spec.kinds import what_is

    kind = what_is(data)
    found = f"; it is {kind.what}" if kind is not None else ""
    raise FetchError(f"{what}: it is not base64, as it should be here{found}")


def gunzip(data: bytes, *, what: str) -> bytes:
    """Decompresses. Raises FetchError."""
    pieces, size = [], 0
    for piece in pieces_of((data,), what=what):
        size += len(piece)
        if size > LIMIT:
            raise FetchError(f"{what}: it decompresses to more than {LIMIT} bytes")
        pieces.append(piece)
    return b"".join(pieces)
