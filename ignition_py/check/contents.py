"""The digests of what the config writes to files, worked out here: a machine is asked for the digest alone, and sends no contents.

Verification of a hash: the Ignition specification, `verification.hash` is that of the decompressed contents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ignition_py.fetch.gunzip import gunzip
from ignition_py.record import Record
from ignition_py.spec.dataurl import decode
from ignition_py.spec.tables import File, Resource

Fetch = Callable[[Resource, str], bytes]


class Digest(Record):
    """The digest of a file, as hexadecimal digits; of its last `tail` bytes where its beginning is not the config's.

    `algorithm`: 256 or 512, of SHA-2.
    """

    algorithm: str
    value: str
    tail: int | None = None


class Contents:
    """The digest of each file of a config, worked out once. `fetch` gets what is at a URL of which the config has no hash."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch
        self._known: dict[str, Digest | None] = {}

    def of(self, file: File) -> Digest | None:
        """None where the config does not say what is in the file. Raises IgnitionError of what cannot be fetched or decoded."""
        if file.path not in self._known:
            self._known[file.path] = self._digest(file)
        return self._known[file.path]

    def _digest(self, file: File) -> Digest | None:
        main = file.contents
        if main.source is None and not file.append:
            return None
        if not file.append and main.verification.hash and not (main.source or "").startswith("data:"):
            algorithm, _, value = main.verification.hash.partition("-")
            return Digest(algorithm.removeprefix("sha"), value.lower())

        parts = [self._bytes(each, file.path) for each in (*([main] if main.source is not None else []), *file.append)]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        data = b"".join(known)
        return Digest("256", hashlib.sha256(data).hexdigest(), None if main.source is not None else len(data))

    def _bytes(self, resource: Resource, path: str) -> bytes | None:
        source = resource.source or ""
        if source and not source.startswith("data:"):
            return None if self._fetch is None else self._fetch(resource, f"contents of {path}")
        data = decode(source) if source else b""
        return b"".join(gunzip([data], what=f"contents of {path}")) if resource.compression == "gzip" and source else data
