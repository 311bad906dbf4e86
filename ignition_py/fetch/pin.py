"""A pin: the digest that the machine's config has to have, from `ignition.config.hash` on the kernel command line.

Written as `verification.hash` of a config is: `sha512-` or `sha256-` and the digest in hexadecimal digits. Whoever trusts the kernel
command line (a signed boot entry, a unified kernel image, a boot server) can so trust a config that comes over plain HTTP.
"""

from __future__ import annotations

from ignition_py.report.diag import FetchError, IgnitionError

ARGUMENT = "ignition.config.hash"
_DIGITS = {"sha256": 64, "sha512": 128}
_SHOWN = 16  # digits of a digest in a sentence


def parse(text: str) -> tuple[str, str]:
    """The hash function and the digest in lower case. Raises IgnitionError for anything else."""
    function, _, digest = text.partition("-")
    if function not in _DIGITS or len(digest) != _DIGITS[function] or digest.strip("0123456789abcdefABCDEF"):
        forms = " or ".join(f"{name}- and {count} hexadecimal digits" for name, count in reversed(_DIGITS.items()))
        raise IgnitionError(
            f"{ARGUMENT} on the kernel command line is neither {forms}",
            hint=f"Write {ARGUMENT}=sha512-DIGEST with what sha512sum prints for the config, or remove the argument",
        )
    return function, digest.lower()


def check(data: bytes, pin: tuple[str, str], where: str) -> None:
    """Compares a config with the pin; `where` says where it is from. Raises FetchError where they differ."""
    import hashlib

    function, wanted = pin
    found = hashlib.new(function, data).hexdigest()
    if found == wanted:
        return
    from ignition_py.spec.kinds import portal_hint

    what = f"has the {function} {found[:_SHOWN]}…" if data else "is empty"
    raise FetchError(
        f"the config from {where} {what}, but {ARGUMENT} on the kernel command line expects {wanted[:_SHOWN]}…",
        hint=portal_hint(data) or f"Serve the config that the hash was made of, or boot with {ARGUMENT}={function}-DIGEST of the new one",
    )
