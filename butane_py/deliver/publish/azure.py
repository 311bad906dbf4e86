"""https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX or az://ACCOUNT/CONTAINER/PREFIX: blobs of an Azure storage account.

Credentials are those of the `az storage` commands: AZURE_STORAGE_CONNECTION_STRING (an emulator's address too), AZURE_STORAGE_KEY,
AZURE_STORAGE_SAS_TOKEN, else a login by azure-identity (`az login`, a service principal, a workload's or machine's identity). Blobs are
created with `If-None-Match: *`, are as public as their container, and have the metadata `host`.
Sources: "Put Blob" (Azure Storage REST API); the references of azure-storage-blob and azure-identity.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.bucket import ATTEMPTS, CONNECT, READ, below, bucket_url, library, names_below, shown
from butane_py.deliver.publish.objects import LIMIT, Objects
from butane_py.deliver.publish.store import checked_name, content_type
from ignition_py.fetch.cloud import AZURE_BLOBS
from ignition_py.fetch.schemes.sigv4 import escape

CONNECTION, KEY, SAS = (
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
)  # environment variables
PAUSE = 1  # seconds before the second attempt; the library's own first pause is 15
_SCOPE = "https://storage.azure.com/.default"
_PERMISSIONS = "Publishing needs the role Storage Blob Data Contributor on the container"
_NO_CREDENTIALS = f"Set {CONNECTION}, {KEY} or {SAS}, or run: az login"


def is_blob_service(host: str) -> bool:
    """True for the host of a storage account."""
    return host.lower().endswith(AZURE_BLOBS)


def open_at(destination: str, *, base_url: str, private: bool) -> Azure:  # noqa: ARG001  # private is the container's business
    """The blobs below the prefix. Raises DeliveryError."""
    url = bucket_url(destination)
    account = url.host[: -len(AZURE_BLOBS)] if is_blob_service(url.host) else url.host
    container, _, prefix = url.path.partition("/")
    where = "/".join(filter(None, ("az:/", account, container, prefix)))
    if not container:
        raise DeliveryError(
            f"{where}: the URL does not name a container", hint=f"Write https://{account}{AZURE_BLOBS}/CONTAINER/PREFIX"
        )
    library("azure.storage.blob", "azure", destination)
    with _told(where):
        client = _service(where, account).get_container_client(container)
    base = f"{client.url.partition('?')[0]}{'/' if prefix else ''}{escape(prefix, '/')}"
    return Azure(where, base_url or base, client, prefix)


def _service(where: str, account: str) -> Any:
    """The client of the account. Raises DeliveryError where the credentials are those of another account."""
    from azure.storage.blob import BlobServiceClient, ExponentialRetry

    retry = ExponentialRetry(
        initial_backoff=PAUSE, increment_base=2 * PAUSE, random_jitter_range=PAUSE, retry_total=ATTEMPTS - 1
    )
    limits: dict[str, Any] = {"connection_timeout": CONNECT, "read_timeout": READ, "retry_policy": retry}
    given = os.environ.get(CONNECTION, "")
    if given:
        service = BlobServiceClient.from_connection_string(given, **limits)
        if service.account_name != account:
            raise DeliveryError(f"{where}: {CONNECTION} is for another storage account")
        return service
    credential: Any = os.environ.get(KEY) or os.environ.get(SAS, "").lstrip("?")
    if not credential:
        credential = library("azure.identity", "azure", where).DefaultAzureCredential()
        credential.get_token(_SCOPE)  # each request would try for itself, and again, where there is no login
    return BlobServiceClient(f"https://{account}{AZURE_BLOBS}", credential=credential, **limits)


class Azure(Objects):
    """The blobs of a container below a prefix."""

    def __init__(self, where: str, base_url: str, client: Any, prefix: str) -> None:
        super().__init__(where, base_url)
        self._client = client
        self._prefix = prefix

    def _get(self, name: str) -> bytes | None:
        from azure.core.exceptions import ResourceNotFoundError

        with _told(self.where):
            try:
                data: bytes = self._client.download_blob(below(self._prefix, name)).readall()
            except ResourceNotFoundError as error:
                if error.error_code == "BlobNotFound":
                    return None
                raise
        return data[: LIMIT + 1]

    def _create(self, name: str, data: bytes, host: str) -> bool:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import ContentSettings

        settings = ContentSettings(content_type=content_type(name))
        metadata = {"host": escape(host)} if host else None
        with _told(self.where):
            try:
                self._client.upload_blob(
                    below(self._prefix, name), data, overwrite=False, content_settings=settings, metadata=metadata
                )
            except ResourceExistsError:
                return False
        return True

    def names(self) -> Iterator[str]:
        """The names of all blobs. Raises DeliveryError."""
        with _told(self.where):
            keys = list(self._client.list_blob_names(name_starts_with=below(self._prefix, "")))
        return names_below(self._prefix, keys)

    def remove(self, name: str) -> None:
        """Removes the blob. Raises DeliveryError."""
        from azure.core.exceptions import ResourceNotFoundError

        with _told(self.where):
            try:
                self._client.delete_blob(below(self._prefix, checked_name(name)))
            except ResourceNotFoundError:
                return


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of the library as DeliveryError. Their own texts, which can hold URLs and tokens, are not shown."""
    from azure.core import exceptions

    try:
        yield
    except exceptions.ClientAuthenticationError as error:
        status = error.status_code or "without a response"
        raise DeliveryError(
            f"{where}: Azure does not accept the credentials ({status})", hint=_NO_CREDENTIALS
        ) from None
    except exceptions.HttpResponseError as error:
        code = shown(getattr(error, "error_code", "") or "")
        hint = (
            _PERMISSIONS
            if error.status_code == 403
            else "There is no such container"
            if code == "ContainerNotFound"
            else ""
        )
        raise DeliveryError(
            f"{where}: Azure answered {code or 'an error'} (status {error.status_code})", hint=hint
        ) from None
    except exceptions.AzureError as error:
        why = f"Azure cannot be reached, or the connection broke ({type(error).__name__})"
        raise DeliveryError(f"{where}: {why}", hint="Check the network and the name of the storage account") from None
    except ValueError:
        raise DeliveryError(
            f"{where}: the credentials of the storage account cannot be read", hint=_NO_CREDENTIALS
        ) from None
