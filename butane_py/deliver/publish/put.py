"""https://HOST/PATH (and http://): a web server that takes PUT, as WebDAV servers, artifact repositories and nginx do.

Credentials come from ~/.netrc (or NETRC), as curl's and git's do. Objects are created with `If-None-Match: *`; a server that ignores it
is asked for the object before. HTTP has no listing, so that nothing is recorded for pruning. Sources: RFC 9110; the manual of
ngx_http_dav_module.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.bucket import ATTEMPTS, CONNECT, READ, library, parsed
from butane_py.deliver.publish.objects import LIMIT, Objects
from butane_py.deliver.publish.store import NotListed, Store, checked_name, content_type
from ignition_py.fetch.urls import public

_BUSY = (429, 500, 502, 503, 504)
_PIECE = 1 << 16  # bytes
_HINTS = {
    401: "Put the user and the password into ~/.netrc (machine HOST login USER password PASSWORD)",
    403: "The user in ~/.netrc may not write there, or the server takes no PUT",
    404: "There is no such folder on the server",
    405: "The server takes no PUT there",
    409: "The folder has to be made on the server first",
    413: "The server takes only smaller objects",
}


def open_at(destination: str, *, base_url: str, private: bool) -> Store:
    """The web server below the URL; a storage account of Azure's has its own protocol. Raises DeliveryError."""
    from butane_py.deliver.publish import azure

    url = parsed(destination)
    if azure.is_blob_service(url.host):
        return azure.open_at(destination, base_url=base_url, private=private)
    library("requests", "publish", destination)
    # As it is sent: characters that URLs do not have are escaped.
    return Put(quote(destination.rstrip("/"), safe="/:%@[]!$&'()*+,;=~"), base_url)


class Put(Objects):
    """The objects below a URL."""

    def __init__(self, url: str, base_url: str) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import Retry

        super().__init__(public(url), base_url or url)
        self._target = url
        self._session = requests.Session()
        retry = Retry(
            ATTEMPTS - 1, status_forcelist=_BUSY, allowed_methods=None, backoff_factor=0.2, redirect=0, raise_on_status=False,
            respect_retry_after_header=False,
        )  # fmt: skip
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def _get(self, name: str) -> bytes | None:
        with _told(self.where), self._ask("GET", name, stream=True) as response:
            if response.status_code in (404, 410):
                return None
            self._expect(response, 200)
            data = b""
            for piece in response.iter_content(_PIECE):
                data += piece
                if len(data) > LIMIT:
                    break
            return data

    def _create(self, name: str, data: bytes, host: str) -> bool:
        headers = {"Content-Type": content_type(name), "If-None-Match": "*"}
        with _told(self.where), self._ask("PUT", name, data=data, headers=headers) as response:
            if response.status_code == 412:
                return False
            self._expect(response, 200, 201, 204)
            return True

    def names(self) -> Iterator[str]:
        """Raises NotListed: HTTP has no listing."""
        raise NotListed(
            f"{self.where}: a web server cannot list its objects",
            hint="Publish to a folder and copy it there, to be able to prune",
        )

    def remove(self, name: str) -> None:
        """Removes the object. Raises DeliveryError."""
        with _told(self.where), self._ask("DELETE", checked_name(name)) as response:
            self._expect(response, 200, 202, 204, 404, 410)

    def _ask(self, method: str, name: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        return self._session.request(
            method, f"{self._target}/{name}", headers={"Accept-Encoding": "identity", **(headers or {})},
            timeout=(CONNECT, READ), allow_redirects=False, **more,
        )  # fmt: skip

    def _expect(self, response: Any, *statuses: int) -> None:
        """Raises DeliveryError for a response with another status."""
        status = response.status_code
        if status not in statuses:
            redirect = "The server redirects; publish to the URL that it names" if 300 <= status < 400 else ""
            method = response.request.method
            raise DeliveryError(
                f"{self.where}: the server answered {method} with status {status}",
                hint=redirect or _HINTS.get(status, ""),
            )


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of the library as DeliveryError. Their own texts, which can hold URLs and headers, are not shown."""
    import requests

    try:
        yield
    except requests.exceptions.SSLError:
        hint = "REQUESTS_CA_BUNDLE names a file of authorities to trust"
        raise DeliveryError(
            f"{where}: the certificate of the server is not accepted, or TLS failed", hint=hint
        ) from None
    except requests.exceptions.ConnectTimeout:
        raise DeliveryError(f"{where}: the server cannot be reached within {CONNECT} s") from None
    except (requests.RequestException, OSError, socket.gaierror, ValueError) as error:
        why = f"the server cannot be reached, or the connection broke ({type(error).__name__})"
        raise DeliveryError(f"{where}: {why}") from None
