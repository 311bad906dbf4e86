"""Stable names for devices: /run/ignition/dev_aliases/<path of the config> -> the kernel's node.

udev removes and makes /dev/disk/by-*/ links while tables and filesystems change; the alias, made once a device is
there, does not move. Same place and layout as the reference's, since other programs of an image may look there.
"""

from __future__ import annotations

import os

from ignition_py.report.diag import StageError

DIRECTORY = "/run/ignition/dev_aliases"


def alias_of(device: str) -> str:
    """The alias of a device path of the config (absolute), made or not."""
    return os.path.join(DIRECTORY, os.path.normpath(device).lstrip("/"))


def make(device: str) -> tuple[str, str]:
    """Makes or renews the alias of a device that is there; returns (alias, real node). Raises StageError."""
    alias = alias_of(device)
    try:
        real = os.path.realpath(device, strict=True)
        os.makedirs(os.path.dirname(alias), mode=0o750, exist_ok=True)
        if os.path.lexists(alias):
            os.unlink(alias)
        os.symlink(real, alias)
    except OSError as error:
        raise StageError(f"making the device alias {alias} for {device}: {error.strerror}") from None
    return alias, real


def real_of(device: str) -> str:
    """The node the alias of `device` points to, the node of `device` itself where it has no alias."""
    alias = alias_of(device)
    return os.path.realpath(alias if os.path.lexists(alias) else device)
