"""Shared libraries by the dynamic linker's own word: what `ld.so --list` prints (ld.so(8)), and what is opened while a program runs."""

from __future__ import annotations

import os

# glibc: how a thread ends; looking up users and hosts (part of libc itself since 2.34). Taken from beside libc.
OPENED = ("libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")


def listed(listing: str) -> tuple[dict[str, str], list[str]]:
    """Name -> path of every library in a listing, and the names of those that are not there."""
    found: dict[str, str] = {}
    missing = []
    for line in listing.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if "not found" in rest:
            missing.append(name)
        elif arrow and rest.startswith("/") and os.path.basename(name) == name:
            found.setdefault(name, rest.rpartition(" (")[0])
    return found, missing


def opened(found: dict[str, str]) -> dict[str, str]:
    """Name -> path of the libraries that are opened only while a program runs, from beside the libc in `found`."""
    libc = next((path for name, path in found.items() if name.startswith("libc.so")), "")
    paths = {name: os.path.join(os.path.dirname(libc), name) for name in OPENED} if libc else {}
    return {name: path for name, path in paths.items() if os.path.exists(path)}
