"""Certificate authorities: PEM bundles to certificates. Source: RFC 7468."""

from __future__ import annotations

from ignition_py.report.diag import FetchError

_BEGIN = b"-----BEGIN "
_END = b"-----END "


def certificates(bundle: bytes, *, what: str) -> list[bytes]:
    """The DER form of every certificate of a PEM bundle. Raises FetchError where it, or a certificate, is damaged."""
    from binascii import Error, a2b_base64
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext, SSLError

    found: list[bytes] = []
    rest = bundle.strip()
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    while rest:
        _, begin, tail = rest.partition(_BEGIN)
        _, _, tail = tail.partition(b"-----")
        body, end, tail = tail.partition(_END)
        _, dashes, rest = tail.partition(b"-----")
        if not (begin and end and dashes):
            raise FetchError(f"{what}: it is not a PEM bundle of certificates")
        try:
            der = a2b_base64(b"".join(body.split()), strict_mode=True)
            context.load_verify_locations(cadata=der)
        except (Error, SSLError, ValueError):
            raise FetchError(f"{what}: certificate {len(found) + 1} of the bundle is damaged") from None
        found.append(der)
        rest = rest.strip()
    return found
