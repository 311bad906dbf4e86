"""Verifies Ed25519 signatures. Source: RFC 8032, sections 5.1.3 (decoding) and 5.1.7 (verification, without the cofactor, as libsodium).

It is in Python because the interpreter does not offer OpenSSL's, and an initramfs has no other library for it. A signature takes 10 ms.
Nothing here is secret, so it need not take the same time for all input.
"""

from __future__ import annotations

from hashlib import sha512
from typing import TypeAlias

# A point of the curve -x² + y² = 1 + d·x²·y² as (X, Y, Z, T) with x = X/Z, y = Y/Z, x·y = T/Z.
Point: TypeAlias = "tuple[int, int, int, int]"

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493  # of the base point
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1
_ZERO: Point = (0, 1, 1, 0)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """True if the signature (64 bytes) of the message is by the public key (32 bytes)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, scalar = _decoded(key), int.from_bytes(signature[32:], "little")
    if public is None or scalar >= _ORDER:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % _ORDER
    x, y, z, t = public
    expected = _sum(_times(scalar, _BASE), _times(challenge, (_P - x, y, z, _P - t)))
    return _encoded(expected) == signature[:32]


def _decoded(data: bytes) -> Point | None:
    """The point that 32 bytes stand for; None where there is none, or they are not the shortest way to write it."""
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (not x and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encoded(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _sum(one: Point, other: Point) -> Point:
    """RFC 8032, section 5.1.4."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Point) -> Point:
    result = _ZERO
    while factor:
        if factor & 1:
            result = _sum(result, point)
        point = _sum(point, point)
        factor >>= 1
    return result


_BASE = _decoded((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _ZERO
