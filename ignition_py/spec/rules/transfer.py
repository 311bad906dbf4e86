"""Rules of how contents are fetched: HTTP headers, hashes, proxies."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import contents as example
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import HTTPHeader, Proxy, Resource, Verification
from ignition_py.spec.urls import UrlError, parse_url

HASHES = {"sha512": (128, 0), "sha256": (64, 1)}  # function -> hexadecimal digits, minor version that brought it
_HEADER_SCHEMES = ("http", "https")
_HEX = frozenset("0123456789abcdefABCDEF")
_URL = "source: https://example.com/motd"
_HASH = _URL + "\nverification:\n  hash: {}"
_HASH_RIGHT = example(_HASH.format("sha256-" + "0123456789abcdef" * 4))
_HEADER = "http_headers:\n  - name: X-Token\n    value: x"
_HEADER_RIGHT = example(f"{_URL}\n{_HEADER}")
_PROXY = "ignition:\n  proxy:\n    {}\n"


@code(
    "headers-without-url",
    title="Headers are given, but no URL",
    why="Headers are sent with the request for the source; without one there is no request.",
    fix="Add source, or remove http_headers.",
    wrong=example(_HEADER),
    right=_HEADER_RIGHT,
)
@code(
    "headers-scheme",
    title="Headers are given for a URL that is not fetched over HTTP",
    why="Only http and https requests carry headers; the other schemes have no place for them.",
    fix="Remove http_headers, or use an http or https URL.",
    wrong=example(f"source: tftp://example.com/motd\n{_HEADER}"),
    right=_HEADER_RIGHT,
)
def headers_fit(resource: Resource, findings: Findings) -> None:
    """Reports headers that no request of `resource` could carry."""
    try:
        scheme = parse_url(resource.source or "").scheme if resource.source else None
    except UrlError:
        scheme = None
    if scheme is None:
        message = "headers are given, but no URL that they could be sent to"
        hint = "add source, or remove http_headers"
        findings.error("headers-without-url", message, "http_headers", hint=hint)
    elif scheme not in _HEADER_SCHEMES:
        message = f"headers are sent with http and https only, not with {scheme}"
        related = (("the URL", ("source",)),)
        findings.error("headers-scheme", message, "http_headers", hint="remove http_headers", related=related)


@rule(
    HTTPHeader,
    "header-name-empty",
    title="A header has no name",
    why="A header of HTTP is a name and a value; a value without a name cannot be sent.",
    fix="Add name, such as Authorization.",
    wrong=example(f"{_URL}\nhttp_headers:\n  - value: x"),
    right=_HEADER_RIGHT,
)
@code(
    "header-value-empty",
    title="A header has an empty value",
    why="In a merged config, a header without a value removes the header of the same name. An empty text does neither that nor say "
    "anything to the server.",
    fix="Remove value to drop an inherited header, or write the value.",
    wrong=example(f"{_URL}\nhttp_headers:\n  - name: X-Token\n    value: ''"),
    right=_HEADER_RIGHT,
)
def header(header: HTTPHeader, findings: Findings) -> None:
    if not header.name:
        findings.error("header-name-empty", "a header needs a name", "name", hint="add name, such as Authorization")
    if header.value == "":
        hint = "remove value to drop an inherited header, or write the value"
        findings.error("header-value-empty", "the value of a header is empty", "value", hint=hint)


@rule(
    Verification,
    "hash-malformed",
    title="A hash does not name its function",
    why="A hash is the function, a dash and the sum in hexadecimal digits, so that Ignition knows what to compute.",
    fix="Write sha256- or sha512- before the digits, as the message shows.",
    wrong=example(_HASH.format("0123456789")),
    right=_HASH_RIGHT,
)
@code(
    "hash-unknown",
    title="A hash function is unknown",
    why="Ignition computes sha512 and, from spec 3.1.0 on, sha256. Others, such as md5, are too weak or not built in.",
    fix="Compute the sum anew: sha256sum FILE, then write sha256-SUM.",
    wrong=example(_HASH.format("md5-0123")),
    right=_HASH_RIGHT,
)
@code(
    "hash-size",
    title="A hash has the wrong length",
    why="A sha256 sum has 64 hexadecimal digits, a sha512 sum 128. Another length is a sum that was cut or is of another function, and "
    "no contents could match it.",
    fix="Copy the whole sum, or correct the function.",
    wrong=example(_HASH.format("sha256-0123")),
    right=_HASH_RIGHT,
)
def verification(verification: Verification, findings: Findings) -> None:
    if verification.hash is None:
        return
    text = verification.hash
    function, dash, digest = text.partition("-")
    digits, since = HASHES.get(function, (0, 1 << 20))
    known = [name for name, (_, minor) in sorted(HASHES.items()) if minor <= findings.version]
    better = _better(text, known)
    hint = f"write {better}" if better else ""
    if not dash:
        message = "a hash is written FUNCTION-HEX, such as sha256-0123…"
        hint = hint or f"write {known[0]}- and the sum that `{known[0]}sum FILE` prints"
        findings.error("hash-malformed", message, "hash", hint=hint, fix=better)
    elif findings.version < since:
        message = f"the hash function {function!r} is unknown; known: {' and '.join(known)}"
        if function in HASHES:
            hint = f"{function} came with spec 3.{since}.0; this config is of 3.{findings.version}.0"
        hint = hint or f"write {known[0]}- and the sum that `{known[0]}sum FILE` prints"
        findings.error("hash-unknown", message, "hash", hint=hint, fix=better)
    elif len(digest.encode()) != digits:
        message = f"a {function} sum has {digits} hexadecimal digits; this has {len(digest)}"
        hint = hint or f"copy the whole sum that `{function}sum FILE` prints"
        findings.error("hash-size", message, "hash", hint=hint, fix=better)


def _better(text: str, known: list[str]) -> str | None:
    """The hash that `text` is meant to be, told by the number of its digits; None if that is not clear."""
    digest = text
    for mark in ("-", ":", "="):
        digest = digest.rpartition(mark)[2]
    digest = digest.strip()
    function = next((name for name in known if HASHES[name][0] == len(digest)), None)
    if function is None or not _HEX.issuperset(digest):
        return None
    named = text[: -len(digest)].strip("-:= ").lower().replace("-", "")
    return f"{function}-{digest.lower()}" if named in ("", function) or named not in HASHES else None


@rule(
    Proxy,
    "proxy-scheme",
    title="The URL of a proxy is not http or https",
    why="Ignition speaks to proxies over http or https; it has no SOCKS.",
    fix="Write http://HOST:PORT.",
    wrong=_PROXY.format("http_proxy: socks://proxy.example.com"),
    right=_PROXY.format("http_proxy: http://proxy.example.com"),
)
@code(
    "proxy-insecure",
    title="https requests go to a proxy over plain http",
    why="The connection to the proxy is not encrypted. The contents stay encrypted from end to end; the names of hosts can be read, "
    "and so can the proxy's password.",
    fix="Write an https:// URL if the proxy takes TLS; otherwise leave it: it works.",
    severity=WARNING,
    wrong=_PROXY.format("https_proxy: http://proxy.example.com"),
    right=_PROXY.format("https_proxy: https://proxy.example.com"),
)
def proxy(proxy: Proxy, findings: Findings) -> None:
    _proxy(proxy.http_proxy, "http_proxy", findings)
    _proxy(proxy.https_proxy, "https_proxy", findings)


def _proxy(text: str | None, name: str, findings: Findings) -> None:
    if text is None:
        return
    try:
        scheme = parse_url(text).scheme
    except UrlError as error:
        findings.error("url-malformed", f"this is not a URL: {error}", name, hint="write http://HOST:PORT")
        return
    if scheme not in _HEADER_SCHEMES:
        hint = "write http:// before it" if text and "://" not in text else "write http://HOST:PORT"
        findings.error("proxy-scheme", "the URL of a proxy begins with http:// or https://", name, hint=hint)
    elif scheme == "http" and name == "https_proxy":
        message = "https requests go to this proxy over plain http"
        findings.warning("proxy-insecure", message, name, hint="write https:// if the proxy takes TLS")
