"""Verification of what was fetched (and decompressed) against the config's digest, sha256 or sha512."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ignition_py.report.diag import FetchError

_SHOWN = 16  # digits in the sentence; the hint has all of what was found
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
            f"{what}: the contents have the hash {function}-{digest.hexdigest()[:_SHOWN]}…, but the config expects {wanted[:_SHOWN]}…",
            hint=portal_hint(head)
            or f"Restore the contents, or, if the new ones are right, set `hash: {function}-{digest.hexdigest()}`",
        )
