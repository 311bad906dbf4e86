"""Rules of what is fetched: sources, compression, referenced configs and certificate authorities."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.examples import contents as example
from ignition_py.spec import dataurl
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.rules.transfer import headers_fit
from ignition_py.spec.tables import TLS, CaReference, ConfigReference, IgnitionConfig, Resource
from ignition_py.spec.urls import Url, UrlError, parse_url

# URL scheme -> minor version that brought it.
SCHEMES = {"http": 0, "https": 0, "tftp": 0, "s3": 0, "data": 0, "gs": 2, "arn": 4}
_URL = "source: https://example.com/motd"
_RIGHT = example(_URL)
_SUM = "sha256-" + "0123456789abcdef" * 4


@code(
    "url-malformed",
    title="A URL is malformed",
    why="The text cannot be taken apart into scheme, host and path, so Ignition could not fetch it.",
    fix="Write SCHEME://HOST/PATH; write special characters as %XX.",
    wrong=example("source: 'http://[::1'"),
    right=_RIGHT,
)
@code(
    "url-scheme",
    title="The scheme of a URL cannot be fetched",
    why="Ignition fetches http, https, tftp, s3 and data URLs, gs from spec 3.2.0 and arn from 3.4.0 on. A URL without a scheme names "
    "no way to fetch it.",
    fix="Write one of these schemes, such as https://example.com/motd; embed local files with contents.local.",
    wrong=example("source: ftp://example.com/motd"),
    right=_RIGHT,
)
@code(
    "url-data",
    title="A data URL is malformed",
    why="A data URL is data:[TYPE][;base64],CONTENTS; without the comma there are no contents, and special characters have to be %XX.",
    fix="Write the text with inline instead, and Butane makes the data URL.",
    wrong=example("source: 'data:hello'"),
    right=example("source: 'data:,hello'"),
)
@code(
    "s3-arn",
    title="An ARN does not name an S3 object",
    why="Of all Amazon resources Ignition fetches only objects of S3.",
    fix="Write arn:aws:s3:::BUCKET/KEY, or s3://BUCKET/KEY.",
    wrong=example("source: arn:aws:iam:::bucket/key"),
    right=example("source: arn:aws:s3:::bucket/key"),
)
@code(
    "s3-version-id",
    title="versionId is empty",
    why="versionId names one version of an S3 object; an empty one names none, and S3 refuses it.",
    fix="Remove ?versionId= for the current version, or give the version.",
    wrong=example("source: s3://bucket/key?versionId="),
    right=example("source: s3://bucket/key"),
)
def url_problem(text: str, version: int) -> tuple[str, str, str] | None:
    """(code, message, hint) if `text` is no source at minor `version`."""
    if text.startswith("data:") and "#" not in text and "\n" not in text:
        return _data_problem(text)
    try:
        url = parse_url(text)
    except UrlError as error:
        return "url-malformed", f"this is not a URL: {error}", "write SCHEME://HOST/PATH, special characters as %XX"
    since = SCHEMES.get(url.scheme)
    if since is None or version < since:
        return _scheme_problem(text, url.scheme, version)
    if url.scheme == "data":
        return _data_problem(text)
    if url.scheme == "s3":
        return _version_id_problem(url)
    if url.scheme == "arn":
        return _arn_problem(url)
    return None


def _scheme_problem(text: str, scheme: str, version: int) -> tuple[str, str, str]:
    known = ", ".join(sorted(name for name, minor in SCHEMES.items() if minor <= version))
    if scheme in SCHEMES:
        message = f"the scheme {scheme!r} cannot be fetched in this version; schemes are {known}"
        return "url-scheme", message, f"{scheme} came with spec 3.{SCHEMES[scheme]}.0; this config is of 3.{version}.0"
    if scheme:
        _, colon, port = text.partition("/")[0].partition(":")
        if colon and port.isdigit():  # example.com:8080/a reads as a scheme and a path
            return "url-scheme", f"this URL has no scheme; schemes are {known}", _with_https(text)
        hint = "embed the file with local, and -d for its directory" if scheme == "file" else "serve it over https"
        return "url-scheme", f"the scheme {scheme!r} cannot be fetched; schemes are {known}", hint
    local = text.startswith(("/", ".")) or "." not in text.partition("/")[0]
    hint = "embed a local file with local, and -d for its directory" if local else _with_https(text)
    return "url-scheme", f"a URL without a scheme cannot be fetched; schemes are {known}", hint


def _with_https(text: str) -> str:
    """The hint to write the URL with a scheme; without what may be secret (a password, a signature)."""
    return "write https:// before it" if "@" in text or "?" in text else f"write https://{text}"


def _data_problem(text: str) -> tuple[str, str, str] | None:
    try:
        dataurl.check(text)
    except dataurl.DataUrlError as error:
        hint = "write data:,TEXT with special characters as %XX; in Butane, write the text with inline"
        return "url-data", f"this is not a data URL: {error}", hint
    return None


def _version_id_problem(url: Url) -> tuple[str, str, str] | None:
    if url.first("versionId") == "":
        return "s3-version-id", "versionId is empty", "remove it for the current version of the object"
    return None


def _arn_problem(url: Url) -> tuple[str, str, str] | None:
    parts = f"arn:{url.opaque}".split(":", 5)
    slashes = url.opaque.count("/")
    if len(parts) < 6 or parts[2] != "s3" or slashes < (2 if parts[5].startswith("accesspoint/") else 1):
        hint = "write arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY, such as arn:aws:s3:::bucket/key"
        return "s3-arn", "this does not name an S3 object", hint
    return _version_id_problem(url)


def _source_error(findings: Findings, text: str | None, *path: str | int) -> None:
    problem = url_problem(text, findings.version) if text else None
    if problem:
        name, message, hint = problem
        findings.error(name, message, *path, hint=hint)


@rule(
    Resource,
    "compression-unknown",
    title="A compression is unknown",
    why="Ignition unpacks gzip only. Contents of another compression would be written as they are.",
    fix="Compress with gzip, or remove compression.",
    wrong=example(_URL + "\ncompression: xz"),
    right=example(_URL + "\ncompression: gzip"),
)
@code(
    "hash-without-source",
    title="A hash has no source",
    why="The hash is compared with contents that are fetched; there are none to compare it with.",
    fix="Add source, or remove verification.",
    wrong=example(f"verification:\n  hash: {_SUM}"),
    right=example(_URL + f"\nverification:\n  hash: {_SUM}"),
)
def resource(resource: Resource, findings: Findings) -> None:
    if resource.compression not in (None, "", "gzip"):
        message = f"the compression {resource.compression!r} is unknown; the only one is gzip"
        meant = str(resource.compression).lower() in ("gz", "gzip", "zip", ".gz")
        hint = "write gzip" if meant else "compress the contents with gzip, or remove compression"
        findings.error("compression-unknown", message, "compression", hint=hint, fix="gzip" if meant else None)
    # Spec 3.0 checks less of configs and authorities.
    contents = findings.version or not isinstance(resource, CaReference | ConfigReference)
    if contents and resource.verification.hash is not None and resource.source is None:
        message = "a hash is given, but no source whose contents it could verify"
        hint = "add source, or remove verification"
        findings.error("hash-without-source", message, "verification", "hash", hint=hint)
    if resource.source or not (isinstance(resource, CaReference) and findings.version == 0):
        _source_error(findings, resource.source, "source")
    if resource.http_headers:
        headers_fit(resource, findings)


@code(
    "source-missing",
    title="A source is missing",
    why="A config to merge and a bundle of certificates are fetched or embedded; without a source there is nothing to use.",
    fix="Add source (a URL), or in Butane inline or local.",
    since="Ignition 3.1.0",
    wrong="ignition:\n  config:\n    merge:\n      - compression: gzip\n",
    right="ignition:\n  config:\n    merge:\n      - source: https://example.com/c.ign\n",
)
def _required(findings: Findings, resource: Resource, *path: str | int) -> None:
    if not resource.source:
        findings.error("source-missing", "a source is missing here", *path, hint="add source, such as https://…")
    else:
        _source_error(findings, resource.source, *path)


@rule(IgnitionConfig, since=1)
def merged_configs(config: IgnitionConfig, findings: Findings) -> None:
    for i, reference in enumerate(config.merge):
        _required(findings, reference, "merge", i)


@rule(TLS, since=1)
def authorities(tls: TLS, findings: Findings) -> None:
    for i, reference in enumerate(tls.certificate_authorities):
        _required(findings, reference, "certificate_authorities", i)


@rule(CaReference, until=1)
def authority(reference: CaReference, findings: Findings) -> None:
    if not reference.source:
        findings.error("url-scheme", "a source is missing here", "source", hint="add source, such as https://…")
