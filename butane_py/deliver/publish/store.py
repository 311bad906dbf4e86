"""Stores: where the parts of configs are published, for machines to fetch. `open_store` opens one by its destination.

An object is written once and never changes: its name is made from its contents. Objects of a store:

    0123456789abcdef.ign           a part; the first 16 hex digits of its SHA-512
    publications/000001-….json     what was published when (history.py)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Protocol

from butane_py.deliver.model import DeliveryError
from ignition_py.fetch.urls import public, scheme_of
from ignition_py.spec.urls import UrlError, parse_url

# Scheme of the destination -> the module whose `open_at(destination, base_url=…, private=…)` opens it. "" is a folder.
OPENERS = {
    "": "butane_py.deliver.publish.folder",
    "az": "butane_py.deliver.publish.azure",
    "gs": "butane_py.deliver.publish.gcs",
    "http": "butane_py.deliver.publish.put",
    "https": "butane_py.deliver.publish.put",
    "s3": "butane_py.deliver.publish.s3",
}
# That Ignition fetches from (Ignition specification, `source`).
MACHINE_SCHEMES = ("http", "https", "s3", "gs", "tftp", "arn")
CONTENT_TYPES = {"ign": "application/vnd.coreos.ignition+json", "json": "application/json", "jwe": "application/jose"}
_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Refused(DeliveryError):
    """The store holds other contents under the name."""


class NotListed(DeliveryError):
    """The store cannot list its objects."""


class Store(Protocol):
    """Objects under names. Every method raises DeliveryError, a sentence without credentials."""

    def base(self) -> str:
        """The URL that machines fetch all objects below: s3://…, gs://…, https://…."""

    def url(self, name: str) -> str:
        """The URL that a machine fetches the object from."""

    def read(self, name: str) -> bytes | None:
        """The contents; None where the object does not exist."""

    def write(self, name: str, data: bytes, *, host: str = "") -> bool:
        """Creates the object, labelled with the host where the store has labels; False where it is there with the same contents.

        Raises Refused where the store holds other contents under the name.
        """

    def names(self) -> Iterator[str]:
        """The names of all objects. Raises NotListed where the store cannot tell."""

    def remove(self, name: str) -> None:
        """Removes the object; without effect where it does not exist."""


def open_store(destination: str, *, base_url: str = "", private: bool = False) -> Store:
    """The store at `destination`: a folder, or a URL of a scheme in OPENERS.

    base_url: the URL that machines fetch the store's objects below, where that is not the destination itself. private: the
    objects are for their machines only; a folder's files get the mode 0600. Raises DeliveryError.
    """
    if not destination:
        raise DeliveryError("the destination to publish to is empty", hint="Name a folder or a URL")
    scheme = _scheme(destination)
    if scheme not in OPENERS:
        known = ", ".join(f"{name}://" for name in OPENERS if name)
        raise DeliveryError(
            f"{public(destination)}: publishing to {scheme}:// is not supported",
            hint=f"A destination is a folder{f' or a URL of {known}' if known else ''}; ./NAME is a folder in any case",
        )
    if scheme:
        refuse_credentials(destination)
    if base_url:
        base_url = _checked_base(base_url)
    store: Store = import_module(OPENERS[scheme]).open_at(destination, base_url=base_url, private=private)
    return store


def _scheme(destination: str) -> str:
    """The scheme in lower case; "" for a folder, a Windows drive's too."""
    scheme = scheme_of(destination) if "://" in destination else ""
    return scheme if len(scheme) > 1 else ""


def refuse_credentials(url: str) -> None:
    """Raises DeliveryError for a URL with a user, a password, a query or a fragment: command lines and manifests can be read by others."""
    if url != public(url):
        raise DeliveryError(
            f"{public(url)}: the URL must not hold a user, a password, a query or a fragment",
            hint="Other users can read command lines; docs/delivery.md says where each store takes its credentials from",
        )


def _checked_base(url: str) -> str:
    """`url` without a slash at its end. Raises DeliveryError unless machines can fetch what is below it."""
    refuse_credentials(url)
    try:
        found = parse_url(url)
    except UrlError as error:
        raise DeliveryError(f"{public(url)} is not a URL: {error}") from None
    if found.scheme not in MACHINE_SCHEMES or not (found.host or found.opaque):
        raise DeliveryError(
            f"{public(url)}: machines cannot fetch from this URL",
            hint=f"Ignition fetches {', '.join(MACHINE_SCHEMES)} URLs, for example https://config.example.com/ign",
        )
    return url.rstrip("/")


def checked_name(name: str) -> str:
    """`name`, if it can name an object in every store. Raises DeliveryError."""
    if not is_name(name):
        raise DeliveryError(
            f"{name[:100]!r} cannot name an object of a store",
            hint="Names are of letters, digits, '.', '_' and '-', with at most one folder before them",
        )
    return name


def is_name(name: str) -> bool:
    """True if `name` can name an object."""
    return _NAME.fullmatch(name) is not None


def content_type(name: str) -> str:
    """The media type of an object, by the suffix of its name (IANA; .ign as the Ignition specification does)."""
    return CONTENT_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
