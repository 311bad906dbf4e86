"""GUIDs that prove, after a power cut, that this very config made a partition or a table.

A GUID that the config leaves open is random in its first half; its second half is a digest of that half, of the
disk's entry in the config, of the disk's size and of the role (which partition). To others it is a random version 4
GUID; `made_here()` can tell. `plan.py` uses it to recognise partitions of number 0 when a stage
that was cut off runs again: without it, each run would add new ones.
"""

from __future__ import annotations

import os
from hashlib import sha256

from ignition_py.spec.tables import Disk

TABLE = "table"


class Identity:
    """Makes and recognises the GUIDs of one disk of the config."""

    __slots__ = ("_key",)

    def __init__(self, disk: Disk, sectors: int) -> None:
        self._key = f"{disk!r}\n{sectors}\n".encode("utf-8", "surrogatepass")

    def make(self, role: str) -> str:
        """A new GUID (upper-case text) for `role`: TABLE or `entry_role(index)`."""
        head = bytearray(os.urandom(8))
        head[6] = 0x40 | head[6] & 0x0F  # version 4
        return _text(bytes(head) + self._tail(bytes(head), role))

    def made_here(self, guid: str, role: str) -> bool:
        """True if `make(role)` made `guid` for the same config and disk."""
        try:
            raw = bytes.fromhex(guid.replace("-", ""))
        except ValueError:
            return False
        return len(raw) == 16 and raw[6] >> 4 == 4 and raw[8:] == self._tail(raw[:8], role)

    def _tail(self, head: bytes, role: str) -> bytes:
        tail = bytearray(sha256(self._key + role.encode() + b"\n" + head).digest()[:8])
        tail[0] = 0x80 | tail[0] & 0x3F  # the variant of RFC 9562
        return bytes(tail)


def entry_role(index: int) -> str:
    """The role of the disk's partition entry `index` (as the config lists it)."""
    return f"partition {index}"


def _text(raw: bytes) -> str:
    digits = raw.hex().upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
