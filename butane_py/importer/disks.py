"""`disk_setup`, `fs_setup`, `mounts` and `swap`: disks whose sizes do not depend on the disk, filesystems, and units that mount."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from butane_py.emit.shell import word
from butane_py.features.mount_units import unit_name_escape
from butane_py.importer.draft import Draft, Item

if TYPE_CHECKING:
    from butane_py.importer.values import Value

_FORMATS = frozenset(("ext4", "btrfs", "xfs", "vfat", "swap"))
# Partition types of MBR, which layouts name, as types of GPT; "" for the default.
_TYPES = {"82": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "83": "", "linux": "", "swap": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
          "ef": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "fd": "a19d880f-05fc-4d3b-a006-743f0f84911e",
          "8e": "e6d6d379-f507-44c2-a23c-238f2a3df928"}  # fmt: skip
_SOURCES = {"LABEL": "by-label", "UUID": "by-uuid", "PARTLABEL": "by-partlabel", "PARTUUID": "by-partuuid"}
_NETWORK = frozenset(("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p"))
_SIZE = re.compile(r"([0-9]{1,12})(?:\.0)?\s*([KMGT]?)i?B?\Z", re.IGNORECASE)
_SWAP_UNIT = """[Unit]
Description=Make the swap file {file}
ConditionPathExists=!{file}
RequiresMountsFor={folder}
Before={unit}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c {command}

[Install]
RequiredBy={unit}
"""


def disk_setup(value: Value, draft: Draft) -> None:
    for device, disk in value.mapping().items():
        keys = dict(disk.take({"table_type": "", "layout": "", "overwrite": ""}))
        path = _device(device, disk, draft)
        if not path:
            continue
        if "table_type" not in keys or keys["table_type"].text().lower() != "gpt":
            (keys.get("table_type") or disk).differs(
                "the partition table becomes GPT; table_type is mbr by default", "write table_type: gpt"
            )
        partition = _only_partition(keys["layout"]) if "layout" in keys else None
        if partition is None:
            continue
        overwrite = "overwrite" in keys and keys["overwrite"].flag(default=False)
        draft.disks.append(
            draft.item(disk, device=path, **({"wipe_table": True} if overwrite else {}), partitions=[partition])
        )


def _only_partition(layout: Value) -> dict[str, object] | None:
    """The one partition of a layout; None for no partition, and for several, whose sizes depend on the size of the disk."""
    if layout.is_text:
        return {"number": 1, "size_mib": 0, "start_mib": 0} if layout.flag(default=False) else None
    parts = layout.items()
    if len(parts) != 1:
        hint = "write storage.disks with sizes in MiB yourself"
        layout.lost(
            "the partitions are not carried over: their sizes are shares of a disk whose size the config does not know",
            hint,
        )
        return None
    words = parts[0].items() if parts[0].is_list else [parts[0]]
    kind = words[1].text().lower() if len(words) > 1 else "83"
    share = words[0].number()
    if share is not None and share != 100:
        layout.differs("the partition takes the whole disk: as the last one it does so with cloud-init too")
    guid = _TYPES.get(kind)
    if guid is None:
        words[1].differs(f"the partition is of the default type, not {words[1].shown}", "set type_guid")
    return {"number": 1, "size_mib": 0, "start_mib": 0, **({"type_guid": guid} if guid else {})}


def fs_setup(value: Value, draft: Draft) -> None:
    known = {**dict.fromkeys(("device", "partition", "filesystem", "label", "overwrite", "extra_opts"), ""),
             "replace_fs": "Ignition keeps a filesystem that matches, and refuses another unless overwrite is true",
             "cmd": "Ignition makes the filesystem itself; write filesystem and extra_opts"}  # fmt: skip
    for entry in value.items():
        keys = dict(entry.take(known))
        kind = keys["filesystem"].text() if "filesystem" in keys else ""
        device = _device(keys["device"].text() if "device" in keys else "", entry, draft)
        if not device:
            continue
        if kind not in _FORMATS:
            hint = f"write one of {', '.join(sorted(_FORMATS))}"
            (keys.get("filesystem") or entry).lost(
                f"Ignition makes no filesystem of the type {kind[:20] or 'that is not given'}", hint
            )
            continue
        device = _partition(device, keys.get("partition"), entry, draft)
        item = draft.item(entry, device=device, format=kind)
        if "label" in keys and keys["label"].text() not in ("", "None"):
            item["label"] = keys["label"].text()
        if "overwrite" in keys and keys["overwrite"].flag(default=False):
            item["wipe_filesystem"] = True
        if "extra_opts" in keys:
            item["options"] = (
                keys["extra_opts"].text().split() if keys["extra_opts"].is_text else keys["extra_opts"].texts()
            )
        draft.filesystems.append(item)


def _partition(device: str, value: Value | None, entry: Value, draft: Draft) -> str:
    """The device of a partition of `device`, or the disk itself."""
    text = value.text().lower() if value is not None else "auto"
    if text in ("none", ""):
        return device
    if text in ("auto", "any"):
        if not any(disk["device"] == device for disk in draft.disks):
            return device
        (value or entry).differs(
            f"the filesystem goes to the partition of {device} that disk_setup makes", "write partition: 1, or none"
        )
        text = "1"
    if not text.isdecimal():
        (value or entry).error("this is not a partition", "write a number, auto, any or none")
        return device
    if device.startswith("/dev/disk/"):
        return f"{device}-part{text}"
    return f"{device}p{text}" if device[-1].isdecimal() else f"{device}{text}"


def _device(name: str, value: Value, draft: Draft) -> str:
    """The path of a device; "" for names that only the platform's metadata knows, which is reported."""
    name = draft.aliases.get(name, name)
    kind, equals, label = name.partition("=")
    if equals and kind in _SOURCES:
        label = label.strip("\"'")
        return f"/dev/disk/{_SOURCES[kind]}/{label}"
    if name.startswith("/dev/"):
        return name
    if re.fullmatch(r"(?:[sv]d|xvd|hd)[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(?:p[0-9]+)?", name):
        return f"/dev/{name}"
    message = f"{name[:60] or 'an entry without a device'} is left out: its device is known to the platform only"
    value.lost(message, "name the device, such as /dev/disk/by-id/…")
    return ""


def mounts(value: Value, draft: Draft) -> None:
    for entry in value.items():
        fields = [part.text() if not part.null else "" for part in _parts(entry)]
        if len(fields) < 2 or not fields[1] or not fields[0]:
            entry.lost(
                "a mount without a device or a mount point is left out", "write [device, mount point, type, options]"
            )
            continue
        source, where = fields[0], fields[1]
        kind = fields[2] if len(fields) > 2 and fields[2] else draft.mount_defaults[0]
        options = _options(fields[3] if len(fields) > 3 and fields[3] else draft.mount_defaults[1])
        network = kind in _NETWORK or re.match(r"[\w.-]+:/|//", source)
        device = (
            source
            if network or kind in ("tmpfs", "overlay") or options_bind(options)
            else _device(source, entry, draft)
        )
        if device:
            _mount(entry, device, where, kind, options, draft)


def _parts(entry: Value) -> list[Value]:
    from butane_py.importer.values import Value as Made

    if entry.is_text:
        return [entry]
    if not entry.is_list:
        return entry.items()
    return [Made(entry.reader, node, (*entry.path, index)) for index, node in enumerate(entry.node.items)]


def options_bind(options: list[str]) -> bool:
    """True for the options of a bind mount, whose source is a path."""
    return "bind" in options or "rbind" in options


def _options(text: str) -> list[str]:
    """Options of a mount without those that wait for cloud-init itself, and the default."""
    return [option for option in text.split(",") if option and option != "defaults" and "cloud-init" not in option]


def _mount(entry: Value, device: str, where: str, kind: str, options: list[str], draft: Draft) -> None:
    swap = kind == "swap"
    if not swap and (not where.startswith("/") or where == "/"):
        entry.error(f"{where[:60]!r} is not a mount point", "write the absolute path of a folder")
        return
    made = next((item for item in draft.filesystems if _same(item, device)), None)
    if made is not None and (made["format"] == "swap") == swap:
        if not swap:
            made["path"] = where
        if options and options != ["sw"]:
            made["mount_options"] = options
        made["with_mount_unit"] = True
        return
    lines = f"\nOptions={','.join(options).replace('%', '%%')}" if options else ""
    if swap:
        name, text = (
            f"{unit_name_escape(device)}.swap",
            f"[Swap]\nWhat={device}{lines}\n\n[Install]\nWantedBy=swap.target\n",
        )
    else:
        target = "remote-fs.target" if kind in _NETWORK or "_netdev" in options else "local-fs.target"
        wants = "WantedBy" if "nofail" in options else "RequiredBy"
        text = f"[Mount]\nWhat={device}\nWhere={where}\nType={kind}{lines}\n\n[Install]\n{wants}={target}\n"
        name = f"{unit_name_escape(where)}.mount"
    draft.unit(name, text, entry)


def _same(item: Item, device: str) -> bool:
    return device in (item["device"], f"/dev/disk/by-label/{item.get('label')}")


def mount_default_fields(value: Value, draft: Draft) -> None:
    fields = [part.text() if not part.null else "" for part in _parts(value)]
    fields += [""] * (6 - len(fields))
    draft.mount_defaults = (fields[2] or "auto", fields[3] or "nofail")


def device_aliases(value: Value, draft: Draft) -> None:
    draft.aliases.update({name: alias.text() for name, alias in value.mapping().items()})


def swap(value: Value, draft: Draft) -> None:
    """A swap file: a unit makes it, another turns it on."""
    keys = dict(value.take({"filename": "", "size": "", "maxsize": ""}))
    path = keys["filename"].text() if "filename" in keys else "/swap.img"
    size = keys["size"].text() if "size" in keys else ""
    found = _SIZE.match(size)
    if not found or int(found[1]) == 0:
        if size not in ("", "0"):
            value.lost(
                "the swap file is not carried over: its size depends on the machine",
                "give size as a number, such as 2G",
            )
        return
    if not re.fullmatch(r"/[\w./-]+", path) or path == "/swap.img":
        path = "/var/swapfile"
        value.differs(f"the swap file becomes {path}: the root folder is read-only")
    unit = f"{unit_name_escape(path)}.swap"
    size = found[1] + found[2].upper()
    command = f"fallocate -l {size} {path} && chmod 600 {path} && mkswap {path}"
    folder = path.rpartition("/")[0] or "/"
    draft.unit(
        "cloud-config-swap.service",
        _SWAP_UNIT.format(file=path, folder=folder, unit=unit, command=word(command)),
        value,
    )
    draft.unit(
        unit,
        f"[Unit]\nAfter=cloud-config-swap.service\n\n[Swap]\nWhat={path}\n\n[Install]\nWantedBy=multi-user.target\n",
        value,
    )
