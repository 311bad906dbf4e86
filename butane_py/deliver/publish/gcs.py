"""gs://BUCKET/PREFIX: objects in Google Cloud Storage, or in an emulator (STORAGE_EMULATOR_HOST).

Credentials are Google's "Application Default Credentials": GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, the
service account of a machine. Objects are created with `ifGenerationMatch=0`, have no ACL of their own, and the metadata `host`.
Sources: "Objects: insert" (Cloud Storage JSON API); the reference of google-cloud-storage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.bucket import CONNECT, READ, below, bucket_url, library, names_below, shown
from butane_py.deliver.publish.objects import Objects
from butane_py.deliver.publish.store import checked_name, content_type
from ignition_py.fetch.schemes.sigv4 import escape

_PERMISSIONS = (
    "Publishing needs storage.objects.create, .get and .list on the bucket (role Storage Object User), pruning .delete"
)
_NO_CREDENTIALS = "Set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login"
_LIMITS: dict[str, Any] = {"timeout": (CONNECT, READ)}
RETRIED = 60.0  # seconds in which a failed request is tried again


def open_at(destination: str, *, base_url: str, private: bool) -> Gcs:  # noqa: ARG001  # private is the bucket's business
    """The objects below the prefix. Raises DeliveryError."""
    url = bucket_url(destination)
    storage = library("google.cloud.storage", "gcs", destination)
    where = f"gs://{below(url.host, url.path)}"
    with _told(where):
        bucket = storage.Client(project=None).bucket(url.host)
    return Gcs(where, base_url or f"gs://{url.host}{'/' if url.path else ''}{escape(url.path, '/')}", bucket, url.path)


class Gcs(Objects):
    """The objects of a bucket below a prefix."""

    def __init__(self, where: str, base_url: str, bucket: Any, prefix: str) -> None:
        from google.cloud.storage.retry import DEFAULT_RETRY

        super().__init__(where, base_url)
        self._bucket = bucket
        self._prefix = prefix
        self._limits = {**_LIMITS, "retry": DEFAULT_RETRY.with_timeout(RETRIED)}

    def _get(self, name: str) -> bytes | None:
        from google.api_core.exceptions import NotFound

        with _told(self.where):
            try:
                data: bytes = self._bucket.blob(below(self._prefix, name)).download_as_bytes(**self._limits)
            except NotFound:
                return None
        return data

    def _create(self, name: str, data: bytes, host: str) -> bool:
        from google.api_core.exceptions import PreconditionFailed

        blob = self._bucket.blob(below(self._prefix, name))
        if host:
            blob.metadata = {"host": host}
        with _told(self.where):
            try:
                blob.upload_from_string(data, content_type(name), if_generation_match=0, **self._limits)
            except PreconditionFailed:
                return False
        return True

    def names(self) -> Iterator[str]:
        """The names of all objects. Raises DeliveryError."""
        with _told(self.where):
            keys = [blob.name for blob in self._bucket.list_blobs(prefix=below(self._prefix, ""), **self._limits)]
        return names_below(self._prefix, keys)

    def remove(self, name: str) -> None:
        """Removes the object. Raises DeliveryError."""
        from google.api_core.exceptions import NotFound

        with _told(self.where):
            try:
                self._bucket.delete_blob(below(self._prefix, checked_name(name)), **self._limits)
            except NotFound:
                return


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of the library as DeliveryError. Their own texts, which can hold URLs and tokens, are not shown."""
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption

    try:
        yield
    except exceptions.GoogleAPICallError as error:
        status = int(error.code or 0)
        hint = "There is no such bucket" if status == 404 else _PERMISSIONS if status in (401, 403) else ""
        raise DeliveryError(f"{where}: Cloud Storage answered with status {status}", hint=hint) from None
    except GoogleAuthError as error:
        why = f"Google's credentials cannot be used ({shown(type(error).__name__)})"
        raise DeliveryError(f"{where}: {why}", hint=_NO_CREDENTIALS) from None
    except DataCorruption:
        raise DeliveryError(f"{where}: an object came damaged; run the command again") from None
    except (requests.RequestException, exceptions.RetryError, ConnectionError, TimeoutError) as error:
        why = f"Cloud Storage cannot be reached, or the connection broke ({type(error).__name__})"
        raise DeliveryError(f"{where}: {why}", hint="Check the network and STORAGE_EMULATOR_HOST") from None
