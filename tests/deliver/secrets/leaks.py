"""Searching for a secret in what a build has made: as it is, escaped, in base64 at any alignment, and inside of whatever is packed."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_DEEPEST = 5


def spellings(secret: str) -> set[bytes]:
    """The texts that a secret of at least eight bytes can be found by."""
    raw = secret.encode()
    found = {raw, quote(raw, safe="").encode(), quote(raw).encode(), json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode()}
    for shift in range(3):  # the characters that hold nothing but the secret
        text = base64.b64encode(b"\0" * shift + raw)
        start = -(-shift * 8 // 6)
        found.add(text[start : (shift + len(raw)) * 8 // 6])
    return found


def unfolded(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The data, and all that is escaped, encoded or compressed in it."""
    yield data
    if depth >= _DEEPEST:
        return
    plain = unquote_to_bytes(data)
    if plain != data:
        yield from unfolded(plain, depth + 1)
    for run in _BASE64.findall(data):
        text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        made = base64.b64decode(text + b"=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
        for each in (made, _unpacked(made)):
            if each:
                yield from unfolded(each, depth + 1)
    packed = _unpacked(data)
    if packed:
        yield from unfolded(packed, depth + 1)


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return b""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""


def holds(data: bytes, secret: str) -> bool:
    """True if the secret can be found in the data."""
    wanted = spellings(secret)
    return any(each in piece for piece in unfolded(data) for each in wanted)
