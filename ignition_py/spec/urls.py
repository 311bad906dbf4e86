"""URLs as the reference's parser takes them apart: which are refused, and what their scheme is.

Used by the rules for sources, proxies and Tang servers. The standard library's parser accepts nearly anything and costs
more to import than the rules do. Sources: RFC 3986, RFC 6874; behaviour of Go's net/url, measured.
"""

from __future__ import annotations

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_HEX = _DIGITS | frozenset("abcdefABCDEF")
_UNRESERVED = _LETTERS | _DIGITS | frozenset("-_.~")
_USERINFO = _UNRESERVED | frozenset(":!$&'()*+,;=%@")
_HOST = _UNRESERVED | frozenset("!$&'()*+,;=:[]<>\"")


class UrlError(ValueError):
    """The text is not a URL."""


class Url:
    """The parts of a URL that anything here asks for. `opaque` is what follows `scheme:` where no slash does."""

    __slots__ = ("host", "opaque", "path", "query", "scheme")

    def __init__(self, scheme: str, opaque: str, host: str, path: str, query: str) -> None:
        self.scheme = scheme
        self.opaque = opaque
        self.host = host
        self.path = path
        self.query = query

    def first(self, name: str) -> str | None:
        """The first value of a query parameter, None where it is not there."""
        for pair in self.query.split("&"):
            if ";" in pair or not pair:
                continue
            key, _, value = pair.partition("=")
            try:
                if unescape(key.replace("+", " ")) == name:
                    return unescape(value.replace("+", " "))
            except UrlError:
                continue
        return None


def unescape(text: str) -> str:
    """Percent escapes undone. Raises UrlError where one is incomplete."""
    if "%" not in text:
        return text
    head, *parts = text.split("%")
    out = bytearray(head.encode())
    for part in parts:
        if len(part) < 2 or part[0] not in _HEX or part[1] not in _HEX:
            raise UrlError(f"'%{part[:2]}' is no percent escape")
        out.append(int(part[:2], 16))
        out += part[2:].encode()
    return out.decode("utf-8", "replace")


def parse_url(text: str) -> Url:
    """Takes a URL (or a relative reference) apart. Raises UrlError."""
    rest, _, fragment = text.partition("#")
    if not rest.isprintable() and any(char < " " or char == "\x7f" for char in rest):
        raise UrlError("a control character is in it")
    unescape(fragment)
    scheme, rest = _scheme(rest)
    if rest.endswith("?") and rest.count("?") == 1:
        rest, query = rest[:-1], ""
    else:
        rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme, rest, "", "", query)
        if ":" in rest.partition("/")[0]:
            raise UrlError("a colon stands before the first slash, but no scheme before the colon")
    host = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        host = _authority(authority)
    return Url(scheme, "", host, unescape(rest), query)


def _scheme(text: str) -> tuple[str, str]:
    for i, char in enumerate(text):
        if char in _LETTERS:
            continue
        if char in _DIGITS or char in "+-.":
            if i == 0:
                return "", text
            continue
        if char == ":":
            if i == 0:
                raise UrlError("nothing stands before the colon")
            return text[:i].lower(), text[i + 1 :]
        return "", text
    return "", text


def _authority(text: str) -> str:
    userinfo, at, host = text.rpartition("@")
    if at:
        if not set(userinfo) <= _USERINFO:
            raise UrlError("the user part has a character that has to be escaped")
        unescape(userinfo)
    _check_host(host)
    return host


def _check_host(host: str) -> None:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("a bracket stands in the middle of the host")
    if bracket == 0:
        end = host.rfind("]")
        if end < 0:
            raise UrlError("the bracket of the address is not closed")
        _check_port(host[end + 1 :])
        _check_ipv6(host[1:end])
        return
    colon = host.rfind(":")
    if colon >= 0:
        _check_port(host[colon:])
    _check_host_characters(host)


def _check_host_characters(host: str, *, zone: bool = False) -> None:
    """A host name escapes only what is beyond ASCII, a zone only what it could also write plainly, and spaces."""
    unescape(host)
    i = 0
    while i < len(host):
        if host[i] == "%":
            byte = int(host[i + 1 : i + 3], 16)
            plain = chr(byte) in _HOST or byte == 0x20
            if byte != 0x25 and (not plain if zone else byte < 0x80):
                raise UrlError(f"{host[i : i + 3]} must not be in a host name")
            i += 3
            continue
        if host[i] < "\x80" and host[i] not in _HOST:
            raise UrlError(f"{host[i]!r} must not be in a host name")
        i += 1


def _check_port(text: str) -> None:
    if text and (text[0] != ":" or not set(text[1:]) <= _DIGITS):
        raise UrlError(f"{text!r} is not a port")


def _check_ipv6(text: str) -> None:
    address, zone, name = text.partition("%25")
    if zone:
        _check_host_characters(name, zone=True)
    _check_host_characters(address)
    if zone and not name:
        raise UrlError("the zone of the address is empty")
    from socket import AF_INET6, inet_pton

    try:
        inet_pton(AF_INET6, unescape(address).partition("%")[0])
    except (OSError, ValueError):
        raise UrlError(f"[{address}] is no IPv6 address") from None
