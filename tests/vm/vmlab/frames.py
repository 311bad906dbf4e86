"""Ethernet frames that a machine has sent and received, from QEMU's capture (pcap: 24 bytes, then 16 before each frame)."""

from __future__ import annotations

import struct


def frames(path: str) -> list[bytes]:
    """All frames. The file is complete once the machine is off."""
    with open(path, "rb") as file:
        data = file.read()
    found, at = [], 24
    while at + 16 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 8)
        found.append(data[at + 16 : at + 16 + length])
        at += 16 + length
    return found


def dhcp_requests(path: str) -> int:
    """How many of them ask for an address: DHCP (UDP port 67) or DHCPv6 (547)."""
    return sum(_asks(frame) for frame in frames(path))


def _asks(frame: bytes) -> bool:
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 17:
        start = 14 + (frame[14] & 15) * 4
        return frame[start + 2 : start + 4] == b"\x00\x43"
    if kind == b"\x86\xdd" and frame[20] == 17:
        return frame[56:58] == b"\x02\x23"
    return False
