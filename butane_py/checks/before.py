"""Checks of a Butane config as it is written, before anything is translated.

Which check fails where follows the reference; the words are our own.
"""

from __future__ import annotations

import re

from butane_py import tables
from butane_py.checks.registry import ButaneFindings, rule
from ignition_py.spec import tables as spec

QUADLET_TYPES = (".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact")
ROLE_LABEL = "machineconfiguration.openshift.io/role"
CEX_ARGUMENT = "rd.luks.key=/etc/luks/cex.key"
SWAP_UNITS_SINCE = 3


@rule(tables.Resource)
@rule(tables.ConfigReference)
@rule(tables.CaReference)
def one_source(it: tables.Resource, find: ButaneFindings) -> None:
    given = [name for name in ("local", "inline", "source") if getattr(it, name) is not None]
    if len(given) > 1:
        at = given[-1] if find.version else "inline"
        find.error("sources-too-many", f"contents come from one place: give one of {' and '.join(given)}", at)


@rule(tables.ConfigReference, since=1)
def inline_config(it: tables.ConfigReference, find: ButaneFindings) -> None:
    if it.inline is not None and it.local is None and it.source is None:
        from butane_py.checks.child import check_child

        check_child(it.inline, find)


@rule(tables.Filesystem)
def mount_unit(it: tables.Filesystem, find: ButaneFindings) -> None:
    if not it.with_mount_unit:
        return
    if not it.format:
        find.error("mount-unit-format", "with_mount_unit needs the format", "format")
    swap = find.version >= SWAP_UNITS_SINCE and it.format == "swap"
    if not it.path and not swap and (it.format or find.version < SWAP_UNITS_SINCE):
        find.error("mount-unit-path", "with_mount_unit needs the path to mount at", "path")


@rule(spec.Directory)
@rule(tables.File)
def mode(it: spec.Directory | tables.File, find: ButaneFindings) -> None:
    directory = isinstance(it, spec.Directory)
    if it.mode is None or _usual(it.mode, directory):
        return
    meant = _read_as_octal(it.mode)
    if meant is not None and _usual(meant, directory):
        message = f"mode {it.mode} is decimal and means {it.mode:#o}".replace("0o", "0")
        find.warning("mode-decimal", message, "mode", hint=f"write 0{it.mode} for rwx bits")


def _read_as_octal(mode: int) -> int | None:
    """The mode that the digits would be in octal."""
    if not 0 <= mode <= 7777 or set(str(mode)) & {"8", "9"}:
        return None
    return int(str(mode), 8)


def _usual(mode: int, directory: bool) -> bool:
    """Would somebody give these permissions on purpose? Source: the reference's list, measured."""
    if mode == 0:
        return True
    seen = 0
    for shift in (0, 3, 6):
        bits = mode >> shift & 7
        if seen & ~bits & 7 or (bits & 1 and seen & 4 and not seen & 1) or (bits & 3 and not bits & 4):
            return False
        seen |= bits
    if not seen & 4:
        return False
    if directory:
        return bool(seen & 1) and not mode & 0o4000 and not (mode & 0o3000 and not seen & 2)
    return not (mode & 0o6000 and (not seen & 1 or mode & 2)) and not mode & 0o1000


@rule(tables.Tree)
def tree(it: tables.Tree, find: ButaneFindings) -> None:
    if not it.local:
        find.error("tree-local-missing", "a tree needs local, the directory to embed")


@rule(tables.Unit)
@rule(tables.Dropin)
def one_text(it: tables.Unit | tables.Dropin, find: ButaneFindings) -> None:
    if it.contents is not None and it.contents_local is not None:
        find.error("unit-sources-too-many", "give contents or contents_local, not both", "contents_local")


@rule(tables.Quadlet)
def quadlet(it: tables.Quadlet, find: ButaneFindings) -> None:
    from butane_py.features.quadlets import template_of

    if not it.name.endswith(QUADLET_TYPES):
        find.error("quadlet-name", f"the name of a quadlet ends in one of {' '.join(QUADLET_TYPES)}", "name")
    elif template_of(it.name) is not None:
        for name in ("contents", "contents_local"):
            if it.has(name):
                find.error(
                    "quadlet-instance-contents",
                    "an instance has the contents of its template and none of its own",
                    name,
                )
    elif it.contents is not None and it.contents_local is not None:
        find.error("unit-sources-too-many", "give contents or contents_local, not both", "contents_local")


@rule(tables.Config)
def machine_config(it: tables.Config, find: ButaneFindings) -> None:
    row = find.row
    if not row.machine_config:
        return
    if not it.metadata.name:
        find.error("metadata-name", "a MachineConfig needs metadata.name", "metadata", "name")
    if not it.metadata.labels.get(ROLE_LABEL):
        message = f"a MachineConfig needs the label {ROLE_LABEL}, such as worker or master"
        find.error("metadata-role", message, "metadata", "labels")
    if row.openshift >= 19 and CEX_ARGUMENT not in it.openshift.kernel_arguments:
        root = any(luks.cex.enabled and luks.name == "root" for luks in it.storage.luks)
        if it.boot_device.luks.cex.enabled or root:
            find.error(
                "cex-kernel-argument", f"CEX needs the kernel argument {CEX_ARGUMENT}", "openshift", "kernel_arguments"
            )


@rule(tables.OpenShift)
def kernel_type(it: tables.OpenShift, find: ButaneFindings) -> None:
    if it.kernel_type not in (None, "", "default", "realtime"):
        find.error("kernel-type", f"the kernel is default or realtime, not {it.kernel_type!r}", "kernel_type")


_MOUNTABLE = r"/(?:etc|var)(?:/|\Z)"
BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"


@rule(tables.Config)
def fedora_coreos(it: tables.Config, find: ButaneFindings) -> None:
    """Partitions that would be reused by label, and mount points that the system has no place for."""
    if find.row.name != "fcos" or find.row.fcos < 6:
        return
    for i, disk in enumerate(it.storage.disks):
        if disk.device == BOOT_DISK or disk.wipe_table or disk.device in it.boot_device.mirror.devices:
            continue
        for p, part in enumerate(disk.partitions):
            if part.number == 0 and part.label is not None:
                message = (
                    "a partition is not found again by its label alone: give its number, or wipe_table for the disk"
                )
                find.warning("partition-reuse-label", message, "storage", "disks", i, "partitions", p, "number")
    for i, filesystem in enumerate(it.storage.filesystems):
        if filesystem.path is not None and not re.match(_MOUNTABLE, filesystem.path) and filesystem.with_mount_unit:  # type: ignore[attr-defined]  # a Butane filesystem
            message = "only what is below /etc or /var can be mounted by a unit of its own"
            find.error("mount-point-forbidden", message, "storage", "filesystems", i, "path")
