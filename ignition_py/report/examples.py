"""Short ways to write the YAML examples of the catalogue."""

from __future__ import annotations


def indented(text: str, spaces: int) -> str:
    pad = " " * spaces
    return "".join(f"{pad}{line}\n" for line in text.splitlines())


def entry(section: str, kind: str, text: str) -> str:
    """One entry of a list such as storage.files."""
    first, *rest = text.splitlines()
    return f"{section}:\n  {kind}:\n    - {first}\n" + indented("\n".join(rest), 6)


def file_(text: str) -> str:
    return entry("storage", "files", f"path: /etc/motd\n{text}")


def contents(text: str) -> str:
    return file_("contents:\n" + indented(text, 2))


def disk(text: str) -> str:
    return entry("storage", "disks", f"device: /dev/sda\n{text}")


def partition(text: str, *more: str) -> str:
    """A disk with partitions, a flow mapping each."""
    rows = "".join(f"  - {{{each}}}\n" for each in (text, *more))
    return disk(f"wipe_table: true\npartitions:\n{rows}")


def filesystem(text: str) -> str:
    return entry("storage", "filesystems", f"device: /dev/sda1\n{text}")


def luks(text: str) -> str:
    return entry("storage", "luks", f"name: data\ndevice: /dev/sda1\n{text}")


def array(text: str) -> str:
    return entry("storage", "raid", f"name: data\n{text}")


def unit(text: str, name: str = "example.service") -> str:
    return entry("systemd", "units", f"name: {name}\n{text}")
