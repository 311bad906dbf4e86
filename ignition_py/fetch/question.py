"""How a question over http is put on the wire: its target, its headers, and the password that its URL may carry.

Used by http.py, transport.py and by_requests.py instead of what `requests` makes of a URL: that one resolves `..`, and writes escapes anew,
after which a signed URL is another one. Behaviour: Go's net/url and net/http, which document it; RFC 9110, RFC 9112.
"""

from __future__ import annotations

from ignition_py.report.diag import FetchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_QUERY = frozenset(_PLAIN + _PUNCTUATION)  # a query of these alone is sent as it is written
_WRITTEN = frozenset(_PLAIN + "!$&'()*+,;=:@[]%/")  # a path of these alone is sent as it is written
_KEPT = "$&+,/:;=@"  # what an escaped path keeps beside _PLAIN
_TOKEN = frozenset(_PLAIN + "!#$%&'*+^`|")
_NOT_FOR_CONFIGS = ("content-length", "host", "trailer", "transfer-encoding")  # they are the connection's


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


def authority(url: str) -> str:
    """Host and port of a bare URL as they are written."""
    return url.partition("//")[2].partition("/")[0].partition("?")[0]


def host_header(url: str) -> str:
    """Host and port of a bare URL as the server is to see them: a scope means something on this machine only."""
    host = authority(url)
    if not host.startswith("["):
        return host
    address, _, port = host[1:].partition("]")
    return f"[{address.partition('%')[0]}]{port}"


def with_headers(usual: dict[str, str | bytes], chosen: Iterable[tuple[str, str]], what: str) -> dict[str, str | bytes]:
    """`usual` with the chosen headers in their place; the last of a name wins. Raises FetchError for what is no header."""
    headers = dict(usual)
    for name, value in chosen:
        if not name or not set(name) <= _TOKEN:
            raise FetchError(f"{what}: {name[:60]!a} is no name of an HTTP header")
        value = value.strip(" \t")
        if any(char != "\t" and (char < " " or char == "\x7f") for char in value):
            raise FetchError(f"{what}: the value of the HTTP header {name} has a control character")
        if name.lower() not in _NOT_FOR_CONFIGS:
            headers[name.lower()] = value if value.isascii() else value.encode("utf-8", "surrogatepass")
    return headers
