"""Storage of old configs, and networkd's units, which become files.

In spec 1 and 2 files name the filesystem that they are on, and that is mounted somewhere out of the way; in spec 3 every
filesystem has a mount point and every file an absolute path. `root` is the new root, `oem` Flatcar's OEM partition,
others get a place below /tmp, as Flatcar's converter gives them.
"""

from __future__ import annotations

from urllib.parse import quote

from ignition_py.spec import tables
from ignition_py.spec.legacy import rules
from ignition_py.spec.legacy.reader import Reader
from ignition_py.spec.rules.paths import clean

_OEM = "/usr/share/oem"
_SYSROOT = "/sysroot"
_NETWORKD = "/etc/systemd/network"
_SECTORS_OF_MIB = 2048  # old sizes count sectors of 512 bytes
_FILE_MODE = 0o644


def storage(it: Reader, networkd: Reader) -> tables.Storage:
    """Raises Unreadable; what spec 3 cannot say is in the report."""
    places = _Places()
    disks = tuple([_disk(each) for each in it.each("disks")])
    raid = tuple([_raid(each) for each in it.each("raid")])
    files: list[tables.File] = []
    filesystems = []
    for each in it.each("filesystems"):
        if it.version < 0:
            filesystems.append(_filesystem_1(each, places, files))
        else:
            made = _filesystem(each, places)
            filesystems += [] if made is None else [made]
    files += [_file(each, places) for each in it.each("files", since=0)]
    directories = tuple([_directory(each, places) for each in it.each("directories", since=1)])
    links = tuple([_link(each, places) for each in it.each("links", since=1)])
    files += _networkd(networkd)
    it.done()
    return tables.Storage(
        it.origin,
        disks=disks or None,
        raid=raid or None,
        filesystems=tuple(filesystems) or None,
        files=tuple(_appended(files)) or None,
        directories=directories or None,
        links=links or None,
    )


class _Places:
    """Where the filesystems of the config are, by their names."""

    def __init__(self) -> None:
        self._paths = {"root": "/"}
        self._count = 0

    def add(self, name: str, path: str | None = None) -> str:
        """The mount point of a filesystem; made up where there is no `path`."""
        self._count += 1
        name = name or f"ignition{self._count}"
        if path is None:
            path = _OEM if name == "oem" else f"/tmp/{name}-ign{self._count}"  # noqa: S108  # of the new machine
        self._paths[name] = path
        return path

    def path(self, it: Reader) -> str:
        """The path of a file, directory or link in spec 3."""
        name, path = it.text("filesystem"), it.text("path")
        rules.absolute(it, "path")
        if name not in self._paths:
            if name == "oem":
                self.add("oem")
            else:
                it.refuse("filesystem-unknown", f"there is no filesystem {name!r} in this config", "filesystem")
                return "/"
        return clean(f"{self._paths[name]}/{path}")


def _disk(it: Reader) -> tables.Disk:
    rules.one_unit_of_size(it)
    return tables.Disk(
        it.origin,
        device=it.text("device"),
        wipe_table=it.switch("wipeTable"),
        partitions=tuple([_partition(each) for each in it.each("partitions")]) or None,
    )


def _partition(it: Reader) -> tables.Partition:
    size, start = it.number("sizeMiB", since=3), it.number("startMiB", since=3)
    return tables.Partition(
        it.origin,
        label=it.maybe_text("label") if it.version >= 3 else it.given("label"),
        number=it.number("number") or 0,
        size_mib=size if size is not None else _mib(it, "size"),
        start_mib=start if start is not None else _mib(it, "start"),
        type_guid=it.given("typeGuid"),
        guid=it.given("guid", since=1),
        wipe_partition_entry=it.switch("wipePartitionEntry", since=3),
        should_exist=it.maybe_on("shouldExist", since=3),
    )


def _mib(it: Reader, name: str) -> int | None:
    """Sectors of 512 bytes as MiB. 0, the default, is left to Ignition in both."""
    sectors = it.number(name)
    if not sectors:
        return None
    if sectors % _SECTORS_OF_MIB:
        message = f"{sectors} sectors are no whole number of MiB, which is what spec 3 counts in"
        it.refuse("partition-unaligned", message, name, hint=f"use a multiple of {_SECTORS_OF_MIB}")
    return sectors // _SECTORS_OF_MIB


def _raid(it: Reader) -> tables.Raid:
    return tables.Raid(
        it.origin,
        name=it.text("name"),
        level=it.text("level"),
        devices=it.texts("devices") or None,
        spares=it.number("spares") or None,
        options=it.texts("options", since=2) or None,
    )


def _filesystem(it: Reader, places: _Places) -> tables.Filesystem | None:
    name, path = it.text("name"), it.maybe_text("path")
    if it.has("mount"):
        if path is not None:
            it.refuse("filesystem-path-and-mount", "give either the path or the mount of a filesystem", "path")
        if name == "root":
            mount = it.below("mount")
            device = mount.text("device")
            it.warn("filesystem-root", f"the root filesystem on {device} is mounted by the image, not by this config")
            return None
        return _mounted(it.below("mount"), name, places)
    if name == "root":
        return None
    if path is None:
        it.refuse("filesystem-nowhere", f"the filesystem {name!r} has neither a mount nor a path")
        return None
    where = path
    if where != _SYSROOT and not where.startswith(f"{_SYSROOT}/"):
        message = f"the filesystem {name!r} is at {where!r}, which is not below {_SYSROOT}: spec 3 writes nowhere else"
        it.refuse("filesystem-outside", message, "path")
    places.add(name, clean(f"/{where[len(_SYSROOT) :]}"))
    return None


def _mounted(mount: Reader, name: str, places: _Places) -> tables.Filesystem:
    create = mount.below("create")
    rules.create_alone(mount)
    rules.format_known(mount, mount.text("format"))
    options = mount.texts("options", since=1)
    wipe = mount.switch("wipeFilesystem", since=1)
    if mount.has("create"):
        options += create.texts("options")
        wipe = _forced(create)
    format_ = mount.given("format")
    if name == "oem" and not wipe:
        format_ = "btrfs"  # what Flatcar has there now, whatever older configs say
    create.done()
    made = tables.Filesystem(
        mount.origin,
        device=mount.text("device"),
        format=format_,
        wipe_filesystem=wipe,
        label=mount.maybe_text("label", since=1),
        uuid=mount.maybe_text("uuid", since=1),
        options=options or None,
        path=places.add(name),
    )
    mount.done()
    return made


def _forced(create: Reader) -> bool | None:
    """Spec 3 keeps a filesystem that is there or wipes it; it cannot fail because one is there."""
    force = create.switch("force")
    if force is None:
        message = "making a filesystem only where there is none, and failing otherwise, is not in spec 3"
        create.refuse(
            "filesystem-not-forced", message, hint="set force to true, or leave create out to keep what is there"
        )
    return force


def _filesystem_1(it: Reader, places: _Places, files: list[tables.File]) -> tables.Filesystem:
    """Spec 1 has files inside of their filesystem."""
    create = it.below("create")
    options = create.texts("options")
    wipe = _forced(create) if it.has("create") else None
    create.done()
    rules.format_known(it, it.text("format"))
    path = places.add("")
    files += [_file_1(each, path) for each in it.each("files")]
    return tables.Filesystem(
        it.origin,
        device=it.text("device"),
        format=it.given("format"),
        wipe_filesystem=wipe,
        options=options or None,
        path=path,
    )


def _file_1(it: Reader, below: str) -> tables.File:
    user, group = it.number("uid") or None, it.number("gid") or None
    rules.absolute(it, "path")
    return tables.File(
        it.origin,
        path=clean(f"{below}/{it.text('path')}"),
        overwrite=True,
        mode=it.number("mode") or 0,
        user=tables.NodeUser(it.origin, id=user) if user else None,
        group=tables.NodeGroup(it.origin, id=group) if group else None,
        contents=tables.Resource(it.origin, source=_data_url(it.text("contents"))),
    )


def _mode(it: Reader) -> int | None:
    """Up to 2.1 a mode that is not there is 0."""
    mode = it.number("mode")
    return 0 if mode is None and it.version < 2 else mode


def _owner(it: Reader, name: str) -> dict[str, object]:
    below = it.below(name)
    found: dict[str, object] = {"id": below.number("id"), "name": below.given("name", since=1)}
    below.done()
    return found


def _node(it: Reader, places: _Places) -> dict[str, object]:
    user, group = _owner(it, "user"), _owner(it, "group")
    return {
        "path": places.path(it),
        "user": tables.NodeUser(it.origin, **user) if any(v is not None for v in user.values()) else None,
        "group": tables.NodeGroup(it.origin, **group) if any(v is not None for v in group.values()) else None,
        "overwrite": it.maybe_on("overwrite", since=2),
    }


def _appended(files: list[tables.File]) -> list[tables.File]:
    """The files, with what is appended to one of them put into it: spec 3 has each path once, and spec 2 wrote them in order."""
    found: dict[str, tables.File] = {}
    others: list[tables.File] = []
    for each in files:
        first = found.get(each.path)
        if first is None:
            found[each.path] = each
        elif each.append and not each.contents.source:
            changes = {name: getattr(each, name) for name in ("mode", "user", "group") if each.has(name)}
            found[each.path] = first.but(append=(*first.append, *each.append), **changes)
        else:
            others.append(each)  # two contents for one path, which the rules of spec 3 report
    return [*found.values(), *others]


def _file(it: Reader, places: _Places) -> tables.File:
    """Files overwrite unless they say otherwise, and appending never does."""
    node = _node(it, places)
    rules.append_or_overwrite(it)
    append = it.on("append", since=2)
    contents = _contents(it.below("contents"))
    node["overwrite"] = None if append else True if node["overwrite"] is None else node["overwrite"]
    content = {"append": (contents,)} if append else {"contents": contents}
    return tables.File(it.origin, mode=_mode(it), **node, **content)


def verification(it: Reader) -> tables.Verification | None:
    below = it.below("verification")
    found = below.maybe_text("hash")
    below.done()
    return None if found is None else tables.Verification(below.origin, hash=found)


def headers(it: Reader) -> tuple[tables.HTTPHeader, ...] | None:
    found = [
        tables.HTTPHeader(each.origin, name=each.text("name"), value=each.given("value"))
        for each in it.each("httpHeaders", since=4)
    ]
    return tuple(found) or None


def _contents(it: Reader) -> tables.Resource:
    source = it.text("source")
    rules.scheme(it, source)
    made = tables.Resource(
        it.origin,
        source=source or "data:,",
        compression=it.given("compression"),
        verification=verification(it),
        http_headers=headers(it),
    )
    it.done()
    return made


def _directory(it: Reader, places: _Places) -> tables.Directory:
    return tables.Directory(it.origin, mode=_mode(it), **_node(it, places))


def _link(it: Reader, places: _Places) -> tables.Link:
    return tables.Link(it.origin, hard=it.switch("hard"), target=it.text("target"), **_node(it, places))


def _networkd(it: Reader) -> list[tables.File]:
    """Ignition 3 knows no networkd: its units and drop-ins are files."""
    files = []
    for unit in it.each("units"):
        name, contents = unit.text("name"), unit.text("contents")
        if not name.endswith((".link", ".netdev", ".network")) or "/" in name:
            unit.refuse("networkd-name", "the name of a networkd unit ends in .link, .netdev or .network", "name")
        rules.unit_text(unit)
        if contents:
            files.append(_written(unit, f"{_NETWORKD}/{name}", contents))
        for dropin in unit.each("dropins", since=2):
            path = f"{_NETWORKD}/{name}.d/{dropin.text('name')}"
            rules.unit_text(dropin)
            if not path.endswith(".conf") or "/" in dropin.text("name"):
                dropin.refuse("dropin-name", "the name of a drop-in ends in .conf", "name")
            files.append(_written(dropin, path, dropin.text("contents")))
    it.done()
    return files


def _written(it: Reader, path: str, contents: str) -> tables.File:
    resource = tables.Resource(it.origin, source=_data_url(contents))
    return tables.File(it.origin, path=path, overwrite=True, mode=_FILE_MODE, contents=resource)


def _data_url(text: str) -> str:
    return "data:," + quote(text, safe="-._~/:@!$&'()*+,;=")
