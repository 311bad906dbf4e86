"""Verification of what was fetched (and decompressed) against the config's digest, sha256 or sha512."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ignition_py.report.diag import FetchError

_CHANGED = "The contents have changed since the config was written: update `verification.hash`, or the contents"
_LENGTHS = {"sha256": 64, "sha512": 128}


def verified(chunks: Iterable[bytes], expected: str, *, what: str) -> Iterator[bytes]:
    """Passes a stream on; at its end, compares its digest with `expected` (`sha256-…`). Raises FetchError."""
    import hashlib

    function, _, wanted = expected.partition("-")
    wanted = wanted.lower()
    if len(wanted) != _LENGTHS.get(function, -1):
        raise FetchError(f"{what}: the verification hash is not sha256-… or sha512-… of the right length")
    digest = hashlib.new(function)
    head = b""
    for chunk in chunks:
        head = head or chunk[:64]
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != wanted:
        from ignition_py.spec.kinds import portal_hint

        raise FetchError(
            f"{what}: the {function} of the contents is {digest.hexdigest()}, but the config expects {wanted}",
            hint=portal_hint(head) or _CHANGED,
        )
