"""Digests of our own records: what a config asks for, what a file holds. BLAKE2b of 32 bytes, as hexadecimal text. And the SHA-512
of the config that a machine was given, by which its operator knows it.

Taken straight from the modules in C: hashlib loads OpenSSL, 11 Minstr of each start of the kargs and files stages, and of a fetch
stage that needs no TLS (a config from firmware or a drive), the journal on or off; the module of SHA-512 takes 0.2.
"""

from __future__ import annotations

from _blake2 import blake2b

SIZE = 32  # bytes


def digest_of(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=SIZE).hexdigest()


def sha512_of(data: bytes) -> str:
    """SHA-512, as hexadecimal text."""
    try:
        from _sha2 import sha512  # type: ignore[import-not-found]  # Python 3.12 and newer; typeshed has neither
    except ImportError:
        try:
            from _sha512 import sha512  # type: ignore[import-not-found]
        except ImportError:  # an interpreter without the code in C
            from hashlib import sha512
    digest: str = sha512(data).hexdigest()
    return digest


class Digest:
    """The digest of bytes that come in pieces."""

    def __init__(self) -> None:
        self._state = blake2b(digest_size=SIZE)

    def update(self, data: bytes) -> None:
        self._state.update(data)

    def text(self) -> str:
        return self._state.hexdigest()
