"""Digests of our own records: what a config asks for, what a file holds. BLAKE2b of 32 bytes, as hexadecimal text.

Taken straight from the module in C: hashlib loads OpenSSL, 11 Minstr of each start of the kargs and files stages, the journal on or off.
"""

from __future__ import annotations

from _blake2 import blake2b

SIZE = 32  # bytes


def digest_of(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=SIZE).hexdigest()


class Digest:
    """The digest of bytes that come in pieces."""

    def __init__(self) -> None:
        self._state = blake2b(digest_size=SIZE)

    def update(self, data: bytes) -> None:
        self._state.update(data)

    def text(self) -> str:
        return self._state.hexdigest()
