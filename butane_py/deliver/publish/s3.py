"""s3://BUCKET/PREFIX: objects in Amazon S3, or in a service that speaks its protocol (AWS_ENDPOINT_URL).

Credentials, region and endpoint are those of the AWS tools: environment, ~/.aws, a role. Objects are created with `If-None-Match: *`
where the service knows it (AWS since August 2024), are private unless the bucket says otherwise (no ACL is set), and have the tag
`host`, by which a policy can let each machine read its own (`s3:ExistingObjectTag/host`).
Sources: "PutObject", "Object tagging" (Amazon S3 API reference); the documentation of botocore's Config and exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.bucket import ATTEMPTS, CONNECT, READ, below, bucket_url, library, names_below, shown
from butane_py.deliver.publish.objects import LIMIT, Objects
from butane_py.deliver.publish.store import checked_name, content_type
from ignition_py.fetch.schemes.sigv4 import escape

_PERMISSIONS = (
    "Publishing needs s3:GetObject, s3:PutObject and s3:PutObjectTagging on the objects and s3:ListBucket on the bucket, "
    "pruning s3:DeleteObject"
)
_NO_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; the AWS tools use the same"
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9 +=._:/@-]")
_PRESENT = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_ABSENT = ("NoSuchKey", "404")


def open_at(destination: str, *, base_url: str, private: bool) -> S3:  # noqa: ARG001  # private is the bucket's business
    """The objects below the prefix. Raises DeliveryError, for a configuration of the AWS tools that cannot be used too."""
    url = bucket_url(destination)
    boto3 = library("boto3", "s3", destination)
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT, read_timeout=READ, retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # Services other than AWS refuse the checksums that are not required.
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )  # fmt: skip
    where = f"s3://{below(url.host, url.path)}"
    with _told(where):
        client = boto3.session.Session().client("s3", config=config)
    return S3(
        where,
        base_url or f"s3://{url.host}{'/' if url.path else ''}{escape(url.path, '/')}",
        client,
        url.host,
        url.path,
    )


class S3(Objects):
    """The objects of a bucket below a prefix."""

    def __init__(self, where: str, base_url: str, client: Any, bucket: str, prefix: str) -> None:
        super().__init__(where, base_url)
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def _get(self, name: str) -> bytes | None:
        with _told(self.where):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=below(self._prefix, name))
            except self._client.exceptions.ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            data: bytes = answer["Body"].read(LIMIT + 1)
            if len(data) != min(answer["ContentLength"], LIMIT + 1):
                raise DeliveryError(f"{self.where}: the response ended early; run the command again")
            return data

    def _create(self, name: str, data: bytes, host: str) -> bool:
        more = {"Tagging": f"host={escape(_NOT_IN_TAGS.sub('_', host)[:256])}"} if host else {}
        put = {
            "Bucket": self._bucket,
            "Key": below(self._prefix, name),
            "Body": data,
            "ContentType": content_type(name),
            **more,
        }
        with _told(self.where):
            try:
                self._client.put_object(**put, IfNoneMatch="*")
            except self._client.exceptions.ClientError as error:
                if _code(error) in _PRESENT:
                    return False
                if _code(error) != "NotImplemented":
                    raise
                self._client.put_object(**put)  # an older service; that nothing is there has been looked at
        return True

    def names(self) -> Iterator[str]:
        """The names of all objects. Raises DeliveryError."""
        keys = []
        with _told(self.where):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=below(self._prefix, "")
            )
            for page in pages:
                keys += [each["Key"] for each in page.get("Contents", ())]
        return names_below(self._prefix, keys)

    def remove(self, name: str) -> None:
        """Removes the object; a bucket with versions keeps the old version. Raises DeliveryError."""
        with _told(self.where):
            self._client.delete_object(Bucket=self._bucket, Key=below(self._prefix, checked_name(name)))


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of the library as DeliveryError. Their own texts, which can hold URLs and keys, are not shown."""
    from botocore import exceptions
    from urllib3.exceptions import HTTPError

    try:
        yield
    except exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
        hint = "There is no such bucket" if _code(error) == "NoSuchBucket" else _PERMISSIONS if status == 403 else ""
        raise DeliveryError(f"{where}: S3 answered {shown(_code(error))} (status {status})", hint=hint) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise DeliveryError(f"{where}: no credentials for S3 were found", hint=_NO_CREDENTIALS) from None
    except (exceptions.ConnectionError, exceptions.HTTPClientError, HTTPError) as error:
        why = f"S3 cannot be reached, or the connection broke ({type(error).__name__})"
        raise DeliveryError(f"{where}: {why}", hint="Check the network, AWS_REGION and AWS_ENDPOINT_URL") from None
    except (exceptions.BotoCoreError, ValueError) as error:
        why = f"the configuration of the AWS tools cannot be used ({type(error).__name__})"
        raise DeliveryError(
            f"{where}: {why}", hint="Check AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and ~/.aws/config"
        ) from None
