"""Texts that facts are read from and written as: certificates."""

from __future__ import annotations

import re

_BEGIN, _END = "-----BEGIN ", "-----END "
_KINDS = ("CERTIFICATE-----", "TRUSTED CERTIFICATE-----", "X509 CERTIFICATE-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+\Z")


def certificates(text: str) -> tuple[str, ...]:
    """The certificates of a PEM text, each in its armour with a final newline.

    Text between the blocks is a comment. Empty where there is no certificate, or a block of another kind (a private key).
    """
    found: list[str] = []
    block: list[str] | None = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith(_BEGIN):
            if block is not None or line.removeprefix(_BEGIN) not in _KINDS:
                return ()
            block = [line]
        elif block is not None and line.startswith(_END):
            if len(block) == 1:
                return ()
            found.append("\n".join([*block, line, ""]))
            block = None
        elif block is not None:
            if not _BASE64.match(line):
                return ()
            block.append(line)
    return () if block is not None else tuple(found)
