"""The Butane config that an import makes: entries by section, with the comments and the places that they come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from butane_py.decompiler.unpack import as_text
from butane_py.emit.document import Octal, Remarked, comment, document
from butane_py.emit.shell import word
from butane_py.importer.values import Value
from butane_py.resources import data_url
from butane_py.targets import boot_lines
from butane_py.targets.ignition import LAYOUTS
from butane_py.variants import rows_of
from ignition_py.record import Record
from ignition_py.report.diag import Path, Place

if TYPE_CHECKING:
    from butane_py.importer import Wanted

FOLDER = "/etc/cloud-config"  # of what the import adds itself
_METADATA_UNIT = """[Unit]
Description=Put metadata of the instance into files of the config
Requires={service}
After={service}
Before=cloud-config-runcmd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile={file}
ExecStart=/bin/sh {script}

[Install]
WantedBy=multi-user.target
"""
_METADATA_SCRIPT = """#!/bin/sh
# Puts what the platform tells of this machine in the place of the expressions of the cloud-config's template.
set -eu
put() { # FILE EXPRESSION VALUE
    value=$(printf '%s' "$3" | sed 's/[&|\\\\]/\\\\&/g')
    sed -i "s|$2|$value|g" "$1"
}
"""


class System(Record):
    """What differs between the systems that the variants are for, beside where they look for what (LAYOUTS)."""

    title: str
    read_only: tuple[str, ...]
    metadata_service: str
    metadata_file: str


SYSTEMS = {
    "fcos": System(
        title="Fedora CoreOS",
        read_only=("/usr/(?!local/)", "/lib(64)?/", "/s?bin/", "/boot/", "/sysroot/"),
        metadata_service="afterburn.service",
        metadata_file="/run/metadata/afterburn",
    ),
    "flatcar": System(
        title="Flatcar",
        read_only=("/usr/", "/lib(64)?/", "/s?bin/", "/boot/"),
        metadata_service="coreos-metadata.service",
        metadata_file="/run/metadata/flatcar",
    ),
}
_VOLATILE = re.compile(r"/(?:run|tmp|var/run)/")
_UNIT = re.compile(
    r"/etc/systemd/system/(?P<unit>[\w:@.\\-]+\.(?:service|socket|mount|automount|swap|target|path|timer|slice))"
    r"(?:\.d/(?P<dropin>[\w:@.-]+\.conf))?\Z",
    re.ASCII,
)
_UNREACHABLE = re.compile(r"/(?:dev|proc|sys)/")


class Item(Remarked):
    """An entry of the config: its keys, the comment above it, and where it comes from."""

    place: Place


class File:
    """A file: its entry, and its contents, None where they come from elsewhere."""

    def __init__(self, entry: Item) -> None:
        self.entry = entry
        self.contents: bytes | None = None
        self.appended = b""


class Draft:
    """The config so far. Sections are in the order in which the language's documentation has them."""

    def __init__(self, wanted: Wanted, heading: tuple[str, ...]) -> None:
        self.wanted = wanted
        self.system = SYSTEMS[wanted.variant]
        self.layout = LAYOUTS[wanted.variant]
        self._heading = heading
        self.users: dict[str, Item] = {}
        self.groups: dict[str, Item] = {}
        self.disks: list[Item] = []
        self.filesystems: list[Item] = []
        self.links: list[Item] = []
        self.files: dict[str, File] = {}
        self.units: dict[str, Item] = {}
        self._copied: dict[str, str] = {}  # path below /run or /tmp -> the file that is copied there at boot
        self.expressions: dict[str, str] = {}  # of the template -> shell text of the value
        self.aliases: dict[str, str] = {}  # of devices
        self.mount_defaults = ("auto", "nofail")  # type and options
        self._data: dict[str, Any] = {}

    def item(self, value: Value, **keys: Any) -> Item:
        """An entry that comes from `value`, with the comment above it."""
        item = Item(keys)
        item.remark = value.remark
        item.place = value.place
        return item

    def user(self, name: str, value: Value) -> Item:
        return self.users.setdefault(name, self.item(value, name=name))

    def group(self, name: str, value: Value) -> Item:
        return self.groups.setdefault(name, self.item(value, name=name))

    def file(
        self, path: str, value: Value, contents: bytes | None = None, mode: int = 0o644, **more: Any
    ) -> File | None:
        """A new file at `path`, which replaces what the config had there; None where it cannot be, which is reported."""
        real = self._real_path(path, value)
        if real is None:
            return None
        if real in self.files:
            value.differs(f"{path} is written twice; this is what counts")
        file = File(self.item(value, path=real, mode=Octal(mode), overwrite=True, **more))
        file.contents = contents
        self.files[real] = file
        if real != path:
            self._copied[path] = real
        return file

    def appended(self, path: str, value: Value) -> File | None:
        """The file at `path` to append to; None where it cannot be, which is reported."""
        real = self._real_path(path, value)
        if real is None or real in self.files:
            return self.files.get(real or "")
        if real != path:
            self.file(path, value, b"")
        else:
            self.files[real] = File(self.item(value, path=real))
        return self.files[real]

    def _real_path(self, path: str, value: Value) -> str | None:
        """The path that Ignition writes for `path`; None where nothing can be written, which is reported."""
        if any(re.match(pattern, path) for pattern in self.system.read_only):
            value.lost(f"{path} is left out: it is read-only on {self.system.title}", "put it below /etc, /opt or /var")
            return None
        if _UNREACHABLE.match(path):
            value.lost(
                f"{path} is left out: no file lies there that stays", "set it by a unit, by sysctl.d or by tmpfiles.d"
            )
            return None
        return f"{FOLDER}{path}" if _VOLATILE.match(path) else path

    def link(self, path: str, target: str, value: Value) -> None:
        self.links.append(self.item(value, path=path, target=target, overwrite=True))

    def unit(self, name: str, contents: str, value: Value) -> None:
        self.units[name] = self.item(value, name=name, enabled=True, contents=contents)

    def text(self) -> str:
        """The config as YAML text."""
        row = [row for row in rows_of(self.wanted.variant) if "-" not in row.version][-1]
        self._metadata()
        self._copies()
        self._units_of_files()
        files = [_written(file) for file in self.files.values()]
        self._data = {
            "variant": row.name,
            "version": row.version,
            "passwd": {"groups": list(self.groups.values()), "users": list(self.users.values())},
            "storage": {"disks": self.disks, "filesystems": self.filesystems, "files": files, "links": self.links},
            "systemd": {"units": list(self.units.values())},
        }
        for section in ("passwd", "storage", "systemd"):
            self._data[section] = {name: entries for name, entries in self._data[section].items() if entries}
        head = "".join(f"{comment(line)}\n" for line in self._heading)
        return head + document({name: value for name, value in self._data.items() if value})

    def place_of(self, path: Path) -> Place:
        """The place of the cloud-config behind a path of the config."""
        value: Any = self._data
        place = Place(())
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                break
            place = getattr(value, "place", place)
        return place

    def _units_of_files(self) -> None:
        """Files that are units or drop-ins become entries of systemd.units, which is how Butane has them."""
        made: dict[str, Item] = {}
        for path, file in list(self.files.items()):
            found = _UNIT.match(path)
            text = as_text(file.contents) if file.contents is not None and not file.appended else None
            owned = file.entry.keys() & {"user", "group"}
            if (
                found is None
                or text is None
                or not text
                or owned
                or found["unit"] in self.units
                or file.entry["mode"] & 0o077 != 0o044
            ):
                continue
            unit = made.setdefault(found["unit"], Item(name=found["unit"]))
            unit.remark, unit.place = unit.remark or file.entry.remark, file.entry.place
            if found["dropin"]:
                unit.setdefault("dropins", []).append({"name": found["dropin"], "contents": text})
            else:
                unit["contents"] = text
            del self.files[path]
        self.units = {**made, **self.units}

    def _copies(self) -> None:
        """systemd-tmpfiles brings files to /run and /tmp, which are empty at each boot."""
        lines = []
        for path, real in self._copied.items():
            entry = self.files[real].entry
            user, group = (
                entry.get(name, {}).get("name", entry.get(name, {}).get("id", "root")) for name in ("user", "group")
            )
            lines.append(f"C {boot_lines.word(path)} {entry['mode']:04o} {user} {group} - {real.replace('%', '%%')}\n")
        if lines:
            file = File(Item(path="/etc/tmpfiles.d/cloud-config.conf", mode=Octal(0o644), overwrite=True))
            file.contents = "".join(lines).encode()
            self.files[file.entry["path"]] = file

    def _metadata(self) -> None:
        """The unit that puts metadata into the files that have expressions of the template."""
        lines = []
        for path, file in self.files.items():
            data = (file.contents or b"") + file.appended
            copies = [copy for copy, real in self._copied.items() if real == path]
            for expression, value in self.expressions.items():
                if expression.encode() in data:
                    pattern = re.sub(r"([\\.*^$\[\]|])", r"\\\1", expression)
                    lines += [f'put {word(each)} {word(pattern)} "{value}"\n' for each in (path, *copies)]
        if not lines:
            return
        script = File(Item(path=f"{FOLDER}/metadata.sh", mode=Octal(0o700), overwrite=True))
        script.contents = (_METADATA_SCRIPT + "".join(lines)).encode()
        self.files[script.entry["path"]] = script
        name = "cloud-config-metadata.service"
        contents = _METADATA_UNIT.format(
            service=self.system.metadata_service, file=self.system.metadata_file, script=script.entry["path"]
        )
        self.units[name] = Item(name=name, enabled=True, contents=contents)


def _written(file: File) -> Item:
    """The entry of a file with its contents."""
    if file.contents is not None:
        file.entry["contents"] = _resource(file.contents + file.appended)
    elif file.appended:
        key = "append"
        file.entry[key] = [_resource(file.appended)]
    return file.entry


def _resource(contents: bytes) -> dict[str, Any]:
    text = as_text(contents)
    if text is not None:
        return {"inline": text}
    source, compression = data_url(contents, None, may_compress=True)
    return {"source": source, **({"compression": compression} if compression else {})}
