"""Checks of the Fedora CoreOS sections: `boot_device` and `grub`."""

from __future__ import annotations

import re

from butane_py import tables
from butane_py.checks.registry import ButaneFindings, rule
from butane_py.features.boot_device import FIRST_PARTITIONS
from ignition_py.spec import tables as spec

S390X_SINCE = 6
STRICT_SINCE = 7
_LAYOUTS = ("aarch64", "ppc64le", "x86_64")
_DEVICES = {"s390x-eckd": r"/dev/dasd[a-z]\Z", "s390x-zfcp": r"/dev/sd[a-z]\Z"}


@rule(tables.BootDevice)
def boot_device(it: tables.BootDevice, find: ButaneFindings) -> None:
    level = find.row.fcos
    if it.mirror.devices and it.layout is None:
        add = find.error if level >= STRICT_SINCE else find.warning
        add("mirror-layout", "a mirror needs boot_device.layout, the kind of machine that it is for", "mirror")
    if it.layout is not None:
        _layout(it, it.layout, level, find)
    if it.luks.cex.enabled:
        _cex(it, find)


def layouts(level: int) -> tuple[str, ...]:
    """The layouts known at a version of the Fedora CoreOS sections."""
    return tuple(sorted(FIRST_PARTITIONS)) if level >= S390X_SINCE else _LAYOUTS


def _layout(it: tables.BootDevice, layout: str, level: int, find: ButaneFindings) -> None:
    known = layouts(level)
    if layout not in known:
        find.error("layout-unknown", f"the layout {layout!r} is unknown; known: {', '.join(known)}", "layout")
    elif layout in _DEVICES:
        if not it.luks.device:
            find.error("layout-device-missing", f"the layout {layout} needs boot_device.luks.device", "layout")
        elif not re.search(_DEVICES[layout], it.luks.device):
            start = "/dev/dasd" if layout == "s390x-eckd" else "/dev/sd"
            find.error("layout-device-name", f"the device of layout {layout} is {start} and one letter", "layout")
    if level >= S390X_SINCE and layout.startswith("s390x") and it.mirror.devices:
        find.error("layout-mirror", "boot disks of s390x cannot be mirrored", "layout")


def _cex(it: tables.BootDevice, find: ButaneFindings) -> None:
    if it.layout is None:
        find.error("cex-architecture", "CEX is a feature of s390x: give boot_device.layout", "luks", "cex")
    elif not it.layout.startswith("s390x"):
        find.error("cex-architecture", "CEX is a feature of s390x", "layout")
    if it.luks.tang or it.luks.tpm2:
        find.error("cex-clevis", "a CEX key and Clevis cannot stand together", "luks")


@rule(tables.BootDeviceLuks)
def luks_method(it: tables.BootDeviceLuks, find: ButaneFindings) -> None:
    if (
        find.row.fcos >= STRICT_SINCE
        and it.device
        and not (it.tpm2 or it.cex.enabled or any(_given(tang) for tang in it.tang))
    ):
        find.error("luks-method-missing", "a device is given, but none of tang, tpm2 and cex to open it", "luks")


def _given(tang: spec.Tang) -> bool:
    return bool(tang.url) or tang.thumbprint is not None or tang.advertisement is not None


@rule(tables.BootDeviceMirror)
def mirror(it: tables.BootDeviceMirror, find: ButaneFindings) -> None:
    if len(it.devices) == 1:
        find.error("mirror-devices", "a mirror needs at least two devices", "devices")


@rule(tables.GrubUser)
def grub_user(it: tables.GrubUser, find: ButaneFindings) -> None:
    if not it.name:
        find.error("grub-user-name", "a boot loader user needs a name", "name")
    if not it.password_hash:
        find.error("grub-user-password", "a boot loader user needs a password_hash", "password_hash")
