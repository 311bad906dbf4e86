"""How long the reference's gzip of some contents is. `resources.data_url` asks where that decides about the encoding.

The reference packs contents with Go's compress/gzip at level 9, which is not zlib: the lengths differ by a few bytes. Only the length is
computed here, no stream.
"""

from __future__ import annotations

from butane_py.deflate.blocks import BlockWriter
from butane_py.deflate.matcher import blocks

_HEADER = 10  # bytes; RFC 1952, section 2.3, without name and comment
_TRAILER = 8  # bytes; checksum and length


def go_gzip_size(contents: bytes) -> int:
    """The length in bytes of what Go 1.27's compress/gzip makes of `contents` at level 9."""
    writer = BlockWriter()
    for block, flush in blocks(contents):
        writer.write(block, flush=flush)
    return _HEADER + writer.close() + _TRAILER
