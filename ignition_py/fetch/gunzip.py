"""Streaming gzip decompression. Source: RFC 1952 (several members follow each other; nothing else may follow them)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from ignition_py.report.diag import FetchError

CHUNK = 1 << 18  # bytes of output at a time
FREE_EXPANSION = 1 << 30  # bytes of output that any input may grow to
EXPANSION = 250  # output bytes for one input byte beyond that; deflate can do 1032


def gunzip(chunks: Iterable[bytes], *, what: str, trusted: bool = False) -> Iterator[bytes]:
    """Decompresses a stream in pieces of at most CHUNK bytes.

    A small stream that grows beyond all measure is refused, unless it is `trusted`: its digest is known. Raises
    FetchError where the stream is not gzip, damaged or cut short.
    """
    member = None
    taken = decompressed = 0
    for chunk in chunks:
        taken += len(chunk)
        more = bool(chunk)
        while more:
            if member is None:
                member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            try:
                output = member.decompress(chunk, CHUNK)
            except zlib.error:
                raise FetchError(f"{what}: the contents are not gzip, or damaged", hint="Check `compression`") from None
            decompressed += len(output)
            if decompressed > max(FREE_EXPANSION, EXPANSION * taken) and not trusted:
                raise FetchError(
                    f"{what}: {taken} bytes decompress to {decompressed} and more",
                    hint="If that is meant, give `verification.hash`",
                )
            if output:
                yield output
            chunk = member.unconsumed_tail
            more = bool(chunk) or len(output) == CHUNK  # a full piece may leave more inside
            if member.eof:
                chunk, member = member.unused_data, None
                more = bool(chunk)
    if member is not None or not taken:
        raise FetchError(f"{what}: the gzip contents end too early")
