"""gs:// — objects in Google Cloud Storage, with a token of the instance's service account where there is one.

Source: "Objects: get" (Cloud Storage JSON API, `alt=media`). The object's own request goes through http.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.fetch import cloud, http
from ignition_py.fetch.request import Headers, NotFound, Refused, Request
from ignition_py.fetch.schemes.sigv4 import escape
from ignition_py.fetch.urls import public
from ignition_py.report.diag import FetchError
from ignition_py.spec.urls import UrlError, parse_url

SERVICE = "https://storage.googleapis.com"


def stream(request: Request) -> Iterator[bytes]:
    """The object's contents. Raises FetchError."""
    where = f"{request.what}: {public(request.url)}"
    try:
        parsed = parse_url(request.url)
    except UrlError as error:
        raise FetchError(f"{where}: this is not a URL: {error}") from None
    bucket, key = parsed.host, parsed.path.lstrip("/")
    if not bucket or not key:
        raise FetchError(f"{where}: the URL does not name a bucket and an object")
    token = cloud.google_token(request) if request.session.platform == "gcp" else ""
    headers: Headers = (("authorization", token),) if token else ()
    url = f"{SERVICE}/storage/v1/b/{escape(bucket)}/o/{escape(key)}?alt=media"
    try:
        yield from http.stream(request.but(url=url, headers=headers))
    except NotFound:
        raise NotFound(f"{where} does not exist (status 404)") from None
    except Refused as error:
        hint = error.hint if token else "It was asked for anonymously: this machine has no service account to name"
        raise FetchError(f"{where}: Cloud Storage answered with status {error.status}", hint=hint) from None
