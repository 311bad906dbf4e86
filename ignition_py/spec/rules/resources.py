"""Checks of what is fetched: sources, headers, digests, compression, proxies, referenced configs and authorities."""

from __future__ import annotations

from ignition_py.spec import dataurl
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import (
    TLS,
    CaReference,
    ConfigReference,
    HTTPHeader,
    IgnitionConfig,
    Proxy,
    Resource,
    Verification,
)
from ignition_py.spec.urls import Url, UrlError, parse_url

# URL scheme -> minor version that brought it.
SCHEMES = {"http": 0, "https": 0, "tftp": 0, "s3": 0, "data": 0, "gs": 2, "arn": 4}
HASHES = {"sha512": (128, 0), "sha256": (64, 1)}  # function -> hexadecimal digits, minor version that brought it
_HEADER_SCHEMES = ("http", "https")


def url_problem(text: str, version: int) -> tuple[str, str] | None:
    """(code, sentence) where `text` is no source at `version`."""
    if text.startswith("data:") and "#" not in text and "\n" not in text:
        return _data_problem(text)
    try:
        url = parse_url(text)
    except UrlError as error:
        return "url-malformed", f"this is not a URL: {error}"
    since = SCHEMES.get(url.scheme)
    if since is None or version < since:
        known = ", ".join(sorted(name for name, minor in SCHEMES.items() if minor <= version))
        shown = f"the scheme {url.scheme!r}" if url.scheme else "a URL without a scheme"
        return "url-scheme", f"{shown} cannot be fetched; schemes are {known}"
    if url.scheme == "data":
        return _data_problem(text)
    if url.scheme == "s3":
        return _version_id_problem(url)
    if url.scheme == "arn":
        return _arn_problem(url)
    return None


def _data_problem(text: str) -> tuple[str, str] | None:
    try:
        dataurl.check(text)
    except dataurl.DataUrlError as error:
        return "url-data", f"this is not a data URL: {error}"
    return None


def _version_id_problem(url: Url) -> tuple[str, str] | None:
    if url.first("versionId") == "":
        return "s3-version-id", "versionId is empty; leave it out for the current version of the object"
    return None


def _arn_problem(url: Url) -> tuple[str, str] | None:
    parts = f"arn:{url.opaque}".split(":", 5)
    slashes = url.opaque.count("/")
    if len(parts) < 6 or parts[2] != "s3" or slashes < (2 if parts[5].startswith("accesspoint/") else 1):
        return "s3-arn", "this does not name an S3 object: write arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY"
    return _version_id_problem(url)


def _source_error(findings: Findings, text: str | None, *path: str | int) -> None:
    problem = url_problem(text, findings.version) if text else None
    if problem:
        findings.error(*problem, *path)


@rule(Resource)
def resource(it: Resource, findings: Findings) -> None:
    if it.compression not in (None, "", "gzip"):
        findings.error(
            "compression-unknown", f"compression {it.compression!r} is unknown; the only one is gzip", "compression"
        )
    contents = findings.version or not isinstance(it, CaReference | ConfigReference)  # 3.0 checks configs and CAs less
    if contents and it.verification.hash is not None and it.source is None:
        findings.error(
            "hash-without-source",
            "a hash is given, but no source whose contents it could check",
            "verification",
            "hash",
        )
    if it.source or not (isinstance(it, CaReference) and findings.version == 0):
        _source_error(findings, it.source, "source")
    if it.http_headers:
        _headers_fit(it, findings)


def _headers_fit(it: Resource, findings: Findings) -> None:
    try:
        scheme = parse_url(it.source or "").scheme if it.source else None
    except UrlError:
        scheme = None
    if scheme is None:
        findings.error(
            "headers-without-url", "headers are given, but no URL that they could be sent to", "http_headers"
        )
    elif scheme not in _HEADER_SCHEMES:
        findings.error(
            "headers-scheme", f"headers are sent with http and https only, not with {scheme}", "http_headers"
        )


def _required(findings: Findings, it: Resource, *path: str | int) -> None:
    if not it.source:
        findings.error("source-missing", "a source is needed here", *path)
    else:
        _source_error(findings, it.source, *path)


@rule(IgnitionConfig, since=1)
def merged_configs(it: IgnitionConfig, findings: Findings) -> None:
    for i, reference in enumerate(it.merge):
        _required(findings, reference, "merge", i)


@rule(TLS, since=1)
def authorities(it: TLS, findings: Findings) -> None:
    for i, reference in enumerate(it.certificate_authorities):
        _required(findings, reference, "certificate_authorities", i)


@rule(CaReference, until=1)
def authority(it: CaReference, findings: Findings) -> None:
    if not it.source:
        findings.error("url-scheme", "a source is needed here", "source")


@rule(HTTPHeader)
def header(it: HTTPHeader, findings: Findings) -> None:
    if not it.name:
        findings.error("header-name-empty", "the name of a header is empty", "name")
    if it.value == "":
        findings.error(
            "header-value-empty", "the value of a header is empty; leave it out to remove an inherited header", "value"
        )


@rule(Verification)
def verification(it: Verification, findings: Findings) -> None:
    if it.hash is None:
        return
    function, dash, digest = it.hash.partition("-")
    digits, since = HASHES.get(function, (0, 1 << 20))
    if not dash:
        findings.error("hash-malformed", "a hash is written FUNCTION-HEX, such as sha256-0123...", "hash")
    elif findings.version < since:
        known = " and ".join(name for name, (_, minor) in sorted(HASHES.items()) if minor <= findings.version)
        findings.error("hash-unknown", f"the hash function {function!r} is unknown; known: {known}", "hash")
    elif len(digest.encode()) != digits:
        findings.error("hash-size", f"a {function} sum has {digits} hexadecimal digits; this has {len(digest)}", "hash")


@rule(Proxy)
def proxy(it: Proxy, findings: Findings) -> None:
    _proxy(it.http_proxy, "http_proxy", findings)
    _proxy(it.https_proxy, "https_proxy", findings)


def _proxy(text: str | None, name: str, findings: Findings) -> None:
    if text is None:
        return
    try:
        scheme = parse_url(text).scheme
    except UrlError as error:
        findings.error("url-malformed", f"this is not a URL: {error}", name)
        return
    if scheme not in _HEADER_SCHEMES:
        findings.error("proxy-scheme", "a proxy's URL starts with http:// or https://", name)
    elif scheme == "http" and name == "https_proxy":
        findings.warning("proxy-insecure", "https requests go to this proxy over plain http", name)
