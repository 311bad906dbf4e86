"""Data URLs for the fetcher: contents that a config carries itself. What a data URL is, `spec/dataurl.py` knows."""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.fetch.request import Request
from ignition_py.report.diag import FetchError
from ignition_py.spec.dataurl import DataUrlError, decode


def stream(request: Request) -> Iterator[bytes]:
    """The contents, in one piece. Raises FetchError, which shows nothing of them."""
    try:
        yield decode(request.url)
    except DataUrlError as error:
        raise FetchError(f"{request.what}: the data URL cannot be decoded: {error}") from None


def encode(data: bytes) -> str:
    """`data` as a base64 data URL with its media type, as the reference keeps certificate authorities in the cache."""
    from binascii import b2a_base64

    kind = "application/octet-stream" if _is_binary(data) else "text/plain;charset=utf-8"
    return f"data:{kind};base64,{b2a_base64(data, newline=False).decode()}"


def _is_binary(data: bytes) -> bool:
    """True if the beginning has a byte that no text has (WHATWG MIME sniffing, "binary data byte")."""
    return any(c < 0x20 and c not in b"\t\n\x0c\r\x1b" for c in data[:512])
