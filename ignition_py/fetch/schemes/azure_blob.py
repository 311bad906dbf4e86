"""https:// on Azure: blobs of a storage account, with a token of the machine's managed identity where there is one.

On platform `azure` alone, for `https://ACCOUNT.blob.core.windows.net/CONTAINER/BLOB`. Whatever comes of that, what it does not
bring is asked for as any other URL. Source: "Authorize with Microsoft Entra ID" (Azure Storage REST API).
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.fetch import cloud, http
from ignition_py.fetch.request import NotFound, Refused, Request
from ignition_py.fetch.urls import public
from ignition_py.report.diag import FetchError
from ignition_py.spec.urls import UrlError, parse_url

VERSION = "2021-12-02"  # of the storage service's protocol; from 2017-11-09 on it takes tokens


def stream(request: Request) -> Iterator[bytes]:
    """The blob's contents. Raises FetchError."""
    token = cloud.azure_token(request) if _is_blob(request) else ""
    if token:
        proof = (("x-ms-version", VERSION), ("authorization", token))
        chunks = http.stream(request.but(headers=proof))
        try:
            first = next(chunks, b"")
        except (NotFound, Refused) as error:
            request.log.info(
                f"{request.what}: {public(request.url)}: not with the managed identity ({error.message}); asking without"
            )
        else:
            yield first
            yield from chunks
            return
    yield from http.stream(request)


def _is_blob(request: Request) -> bool:
    """True if it is the URL of a blob without an authorization of its own."""
    try:
        url = parse_url(request.url)
    except UrlError as error:
        raise FetchError(f"{request.what}: {public(request.url)} is not a URL: {error}") from None
    parts = url.path.strip("/").split("/")
    own = url.first("sig") is not None or any(name.lower() == "authorization" for name, _ in request.headers)
    return url.host.lower().endswith(cloud.AZURE_BLOBS) and len(parts) >= 2 and all(parts) and not own
