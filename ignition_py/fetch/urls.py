"""URLs: their scheme, what logs may show of them, and how a request for one is written.

`requests` normalises URLs (`..`, percent-escapes), which breaks signed URLs; the target that these functions make is what the
URL says. Sources: RFC 3986; RFC 9110, RFC 9112; Go's net/url and net/http, which document what the reference sends.
"""

from __future__ import annotations

from collections.abc import Iterable

from ignition_py.report.diag import FetchError

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SCHEME = frozenset(_LETTERS + "0123456789+-.")
_PLAIN = _LETTERS + "0123456789-_.~"
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_QUERY = frozenset(_PLAIN + _PUNCTUATION)  # a query of these alone is sent as it is written
_WRITTEN = frozenset(_PLAIN + "!$&'()*+,;=:@[]%/")  # a path of these alone is sent as it is written
_KEPT = "$&+,/:;=@"  # what an escaped path keeps beside _PLAIN
_TOKEN = frozenset(_PLAIN + "!#$%&'*+^`|")
_NOT_FOR_CONFIGS = ("content-length", "host", "trailer", "transfer-encoding")  # they are the connection's


def scheme_of(url: str) -> str:
    """The scheme in lower case, "" where the URL has none."""
    head, colon, _ = url.partition(":")
    if not colon or head[:1] not in _LETTERS or set(head) - _SCHEME:
        return ""
    return head.lower()


def needs_network(url: str) -> bool:
    """True unless it is a data URL, an OEM file or an empty source."""
    return scheme_of(url) not in ("", "data", "oem")


def public(url: str) -> str:
    """The URL as logs and errors may show it: no user, password, query or fragment, and nothing of a data URL."""
    scheme = scheme_of(url)
    if scheme == "data":
        return "a data URL"
    rest = url.partition("#")[0].partition("?")[0]
    head, slashes, tail = rest.partition("//")
    if slashes:
        host, slash, path = tail.partition("/")
        rest = f"{head}//{host.rpartition('@')[2]}{slash}{path}"
    shown = "".join(char if char.isprintable() else "?" for char in rest[:500])
    return shown or "an empty source"


def bare(url: str) -> tuple[str, str]:
    """The URL without its user part and fragment, and the Authorization header that the user part means ("" for none)."""
    url = url.partition("#")[0]
    head, slashes, tail = url.partition("//")
    end = min((at for at in (tail.find(mark) for mark in "/?") if at >= 0), default=len(tail))
    user, at, host = tail[:end].rpartition("@")
    if not at:
        return url, ""
    from binascii import b2a_base64
    from urllib.parse import unquote_to_bytes

    name, _, password = user.partition(":")
    secret = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
    return head + slashes + host + tail[end:], f"Basic {b2a_base64(secret, newline=False).decode()}"


def target(url: str) -> str:
    """The target of a bare URL: path and query as they are written, escaped only where they could not be sent."""
    tail = url.partition("//")[2]
    rest, mark, query = tail.partition("?")
    path = rest[rest.find("/") :] if "/" in rest else "/"
    if not set(path) <= _WRITTEN:
        from urllib.parse import quote, unquote_to_bytes

        path = quote(unquote_to_bytes(path), safe=_KEPT)
    if not set(query) <= _QUERY:
        from urllib.parse import quote

        query = quote(query, safe=_PUNCTUATION)
    return path + mark + query


def host_header(url: str) -> str:
    """Host and port of a bare URL as the server is to see them: a scope means something on this machine only."""
    host = url.partition("//")[2].partition("/")[0].partition("?")[0]
    if not host.startswith("["):
        return host
    address, _, port = host[1:].partition("]")
    return f"[{address.partition('%')[0]}]{port}"


def with_headers(usual: dict[str, str | bytes], chosen: Iterable[tuple[str, str]], what: str) -> dict[str, str | bytes]:
    """`usual` with the chosen headers in their place; the last of a name wins. Raises FetchError for an invalid header."""
    headers = dict(usual)
    for number, (name, value) in enumerate(chosen, 1):
        if not name or not set(name) <= _TOKEN:  # not shown: the usual slip is "Authorization: Bearer TOKEN" as the name
            raise FetchError(
                f"{what}: the name of HTTP header {number} is not valid",
                hint="A name is of letters, digits and hyphens; what follows its colon is the value",
            )
        value = value.strip(" \t")
        if any(char != "\t" and (char < " " or char == "\x7f") for char in value):
            raise FetchError(f"{what}: the value of the HTTP header {name} has a control character")
        if name.lower() not in _NOT_FOR_CONFIGS:
            headers[name.lower()] = value if value.isascii() else value.encode("utf-8", "surrogatepass")
    return headers
