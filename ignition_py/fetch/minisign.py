"""Detached signatures in minisign's format, and the keys of an image that make them count.

    keys(folder) -> {key id: Key}
    check(data, signature file, keys) -> the trusted comment

A signature file has four lines: an untrusted comment, the signature, a trusted comment, the signature of both. The algorithm is `ED` (of
the BLAKE2b-512 of the data) or, from minisign before 0.10 or with -l, `Ed` (of the data itself). Source: minisign's page, "Signature
format"; minisign(1).
"""

from __future__ import annotations

import os
from binascii import Error as NotBase64
from binascii import a2b_base64

from ignition_py.fetch.ed25519 import verify
from ignition_py.record import Record
from ignition_py.report.diag import FetchError, IgnitionError

SUFFIX = ".pub"
LIMIT = 64 << 10  # bytes of a signature file
_HASHED, _LEGACY = b"ED", b"Ed"
_COMMENT, _TRUSTED = b"untrusted comment:", b"trusted comment: "
_ALGORITHM, _ID, _KEY, _SIGNATURE = 2, 8, 32, 64  # bytes


class Key(Record):
    """A public key, and the file that it is from."""

    data: bytes
    path: str


def keys(folder: str) -> dict[bytes, Key]:
    """The keys of all *.pub of a folder by their ids. Raises IgnitionError for a file that is no key, and where there is none at all."""
    found = {}
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except OSError:
        names = []
    for name in names:
        path = f"{folder}/{name}"
        try:
            with open(path, "rb") as file:
                lines = file.read(LIMIT).splitlines()
        except OSError as error:
            raise IgnitionError(f"reading the key {path}: {error.strerror}") from None
        data = _decoded(lines[1], _ALGORITHM + _ID + _KEY) if len(lines) == 2 and lines[0].startswith(_COMMENT) else b""
        if data[:_ALGORITHM] != _LEGACY:
            hint = "minisign -G makes a pair of keys; the image gets the public one"
            raise IgnitionError(f"{path} is not a public key of minisign", hint=hint)
        found[data[_ALGORITHM : _ALGORITHM + _ID]] = Key(data[_ALGORITHM + _ID :], path)
    if not found:
        raise IgnitionError(
            f"configs have to be signed (IGNITION_REQUIRE_SIGNATURE), and the image has no key in {folder}",
            hint=f"Put the public key of minisign into the initramfs as {folder}/NAME{SUFFIX}",
        )
    return found


def check(data: bytes, text: bytes, known: dict[bytes, Key], what: str) -> str:
    """Verifies the signature file `text` of `data`: the trusted comment. `what` begins the sentence. Raises FetchError."""
    lines = text.splitlines()
    signed = _decoded(lines[1], _ALGORITHM + _ID + _SIGNATURE) if len(lines) == 4 and lines[0].startswith(_COMMENT) else b""
    both = _decoded(lines[3], _SIGNATURE) if signed else b""
    algorithm, identity, signature = signed[:_ALGORITHM], signed[_ALGORITHM : _ALGORITHM + _ID], signed[_ALGORITHM + _ID :]
    if not both or not lines[2].startswith(_TRUSTED) or algorithm not in (_HASHED, _LEGACY):
        raise FetchError(f"{what} is not one of minisign", hint="Sign the config anew: minisign -S -m FILE")
    key = known.get(identity)
    if key is None:
        raise FetchError(
            f"{what} is by key {shown(identity)}, which is not one of the image's: {', '.join(map(shown, known))}",
            hint="Sign the config with a key that the image trusts, or put the public key into the image",
        )
    message = data
    if algorithm == _HASHED:
        from hashlib import blake2b

        message = blake2b(data).digest()
    if not verify(key.data, message, signature):
        hint = "The config has been changed since it was signed: sign it anew, and serve both"
        raise FetchError(f"{what} does not fit the config", hint=hint)
    comment = lines[2].removeprefix(_TRUSTED)
    if not verify(key.data, signature + comment, both):
        raise FetchError(f"{what} does not fit its trusted comment", hint="Sign the config anew: minisign -S -m FILE")
    return comment.decode("utf-8", "replace")


def shown(identity: bytes) -> str:
    """A key's id as minisign prints it."""
    return f"{int.from_bytes(identity, 'little'):016X}"


def _decoded(line: bytes, size: int) -> bytes:
    """The bytes of a line of base64; b"" where it is not that, or not of that size."""
    try:
        data = a2b_base64(line, strict_mode=True)
    except (NotBase64, ValueError):
        return b""
    return data if len(data) == size else b""
