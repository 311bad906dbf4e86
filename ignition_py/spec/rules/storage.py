"""Rules of links, and of entries of storage that contradict each other or a unit."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import entry
from ignition_py.spec.rules.paths import clean
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Config, Link, Storage

UNIT_DIRECTORY = "/etc/systemd/system/"
_MANY_LINKS = 8  # from so many on, the directories above a path are looked up among the links
_BELOW = "storage:\n  links:\n    - path: /etc/app\n      target: /opt/app\n  files:\n    - path: {}\n"
_HARD = "storage:\n  directories:\n    - path: /opt/app\n  links:\n    - path: /etc/app\n      target: /opt/app\n"
_WHOLE_DISK = "storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n{}  filesystems:\n    - device: {}\n      format: ext4\n"


@rule(
    Storage,
    "below-link",
    title="A path lies below a link of the same config",
    why="The entry would be written through the link, to another place than its path says; whether the link is there first would "
    "decide which.",
    fix="Write the path that the link points to.",
    wrong=_BELOW.format("/etc/app/config"),
    right=_BELOW.format("/opt/app/config"),
)
def below_links(storage: Storage, findings: Findings) -> None:
    links = {link.path: i for i, link in enumerate(storage.links)}
    if not links:
        return
    for what, nodes in (("directories", storage.directories), ("files", storage.files), ("links", storage.links)):
        for i, each in enumerate(nodes):
            if len(links) >= _MANY_LINKS:
                above = _parents(each.path, links)
            else:
                above = [link.path for link in storage.links if each.path.startswith(link.path + "/")]
            for path in above:
                _below(findings, storage.links[links[path]], each.path, links[path], (what, i))


def _below(findings: Findings, link: Link, path: str, number: int, where: tuple[str | int, ...]) -> None:
    hint = ""
    if not link.hard and link.target:
        target = link.target if link.target.startswith("/") else f"{link.path.rpartition('/')[0]}/{link.target}"
        hint = f"write the path that the link leads to: {clean(target + path[len(link.path) :])}"
    message = f"{path} lies below the link {link.path} of the same config"
    findings.error("below-link", message, *where, hint=hint, related=(("the link", ("links", number, "path")),))


def _parents(path: str, links: dict[str, int]) -> list[str]:
    """The links that `path` lies below: every prefix that ends before a slash."""
    found = []
    at = path.find("/")
    while at >= 0:
        if path[:at] in links:
            found.append(path[:at])
        at = path.find("/", at + 1)
    return found


@rule(
    Storage,
    "link-target-missing",
    title="A link has no target",
    why="A link points to another path, its target; without one there is nothing to create.",
    fix="Add target, the path that the link points to.",
    since=3,
    wrong=entry("storage", "links", "path: /etc/localtime"),
    right=entry("storage", "links", "path: /etc/localtime\ntarget: ../usr/share/zoneinfo/UTC"),
)
def link_targets(storage: Storage, findings: Findings) -> None:
    for i, link in enumerate(storage.links):
        if not link.target:
            hint = "add target, such as target: ../usr/share/zoneinfo/UTC"
            findings.error("link-target-missing", "a link needs a target", "links", i, "target", hint=hint)


@rule(
    Storage,
    "hard-link-directory",
    title="A hard link points to a directory",
    why="Linux has hard links to files only; creating this one would fail at boot.",
    fix="Make it a symbolic link: remove hard: true.",
    wrong=_HARD + "      hard: true\n",
    right=_HARD,
)
@code(
    "hard-link-owner",
    title="A hard link has an owner",
    why="A hard link is another name of a file and shares the owner of that file, so an owner given here is ignored.",
    fix="Remove user and group from the link, and give them to the file.",
    severity=WARNING,
    wrong=entry("storage", "links", "path: /etc/one\ntarget: /etc/two\nhard: true\nuser:\n  name: core"),
    right=entry("storage", "links", "path: /etc/one\ntarget: /etc/two\nhard: true"),
)
def hard_links(storage: Storage, findings: Findings) -> None:
    directories = {each.path: i for i, each in enumerate(storage.directories)}
    for i, link in enumerate(storage.links):
        if link.hard and (link.target or findings.version < 3):
            _hard_link(link, i, directories, findings)


def _hard_link(link: Link, index: int, directories: dict[str, int], findings: Findings) -> None:
    target = clean(link.target or "")
    if not target.startswith("/"):
        target = clean("/".join(part for part in (link.path, link.target) if part))
    if target in directories:
        message = f"a hard link cannot point to the directory {target}"
        related = (("the directory", ("directories", directories[target], "path")),)
        hint = "remove hard: true, for a symbolic link"
        findings.error("hard-link-directory", message, "links", index, hint=hint, related=related)
    for who, owned in (("user", link.user), ("group", link.group)):
        for name in ("id", "name"):
            if owned.has(name):
                message = "a hard link has the owner of its target; this has no effect"
                hint = f"remove {who} here, and give it to {target}"
                findings.warning("hard-link-owner", message, "links", index, who, name, hint=hint)


@rule(
    Storage,
    "filesystem-on-partitioned",
    title="A filesystem is put on a disk that has partitions",
    why="The filesystem starts at the beginning of the disk, where the partition table of this config is: one of them overwrites "
    "the other.",
    fix="Name the partition as the device, such as /dev/disk/by-partlabel/LABEL.",
    severity=WARNING,
    wrong=_WHOLE_DISK.format("      partitions: [{number: 1}]\n", "/dev/sda"),
    right=_WHOLE_DISK.format("      partitions: [{number: 1}]\n", "/dev/sda1"),
)
@code(
    "filesystem-wiped",
    title="wipe_table erases a filesystem that is to be kept",
    why="The filesystem lies on the whole disk, so wiping the partition table erases it too, although wipe_filesystem is not set.",
    fix="Add wipe_filesystem: true to say so, or remove wipe_table to keep the filesystem.",
    severity=WARNING,
    wrong=_WHOLE_DISK.format("", "/dev/sda"),
    right=_WHOLE_DISK.format("", "/dev/sda") + "      wipe_filesystem: true\n",
)
def filesystems_on_disks(storage: Storage, findings: Findings) -> None:
    disks = {each.device: i for i, each in enumerate(storage.disks)}
    for i, filesystem in enumerate(storage.filesystems):
        number = disks.get(filesystem.device)
        if number is None:
            continue
        disk = storage.disks[number]
        where = ("filesystems", i, "device")
        if disk.partitions:
            message = f"this filesystem overwrites the partitions of {disk.device}"
            label = next((part.label for part in disk.partitions if part.label), "LABEL")
            hint = f"name the partition, such as /dev/disk/by-partlabel/{label}"
            related = (("the disk has partitions here", ("disks", number, "partitions")),)
            findings.warning("filesystem-on-partitioned", message, *where, hint=hint, related=related)
        elif disk.wipe_table and not filesystem.wipe_filesystem:
            message = f"{disk.device} has wipe_table, which erases this filesystem too"
            hint = "add wipe_filesystem: true, or remove wipe_table to keep the filesystem"
            related = (("the table is wiped here", ("disks", number, "wipe_table")),)
            findings.warning("filesystem-wiped", message, *where, hint=hint, related=related)


@rule(
    Config,
    "path-is-unit",
    title="A path is written by a systemd unit of the same config too",
    why="The unit and the file, directory or link would be written to one path, and the later would replace the earlier.",
    fix="Remove one of the two. A unit of systemd.units can be enabled as well, so it is usually the one to keep.",
    wrong="systemd:\n  units:\n    - name: a.service\n      contents: '[Service]'\nstorage:\n  files:\n"
    "    - path: /etc/systemd/system/a.service\n",
    right="systemd:\n  units:\n    - name: a.service\n      contents: '[Service]'\n",
)
def unit_paths(config: Config, findings: Findings) -> None:
    units: dict[str, tuple[str | int, ...]] = {}
    for i, unit in enumerate(config.systemd.units):
        if unit.contents:
            units[UNIT_DIRECTORY + unit.name] = ("systemd", "units", i, "name")
        for j, dropin in enumerate(unit.dropins):
            if dropin.contents:
                path = f"{UNIT_DIRECTORY}{unit.name}.d/{dropin.name}"
                units[path] = ("systemd", "units", i, "dropins", j, "name")
    if not units:
        return
    storage = config.storage
    for what, nodes in (("files", storage.files), ("directories", storage.directories), ("links", storage.links)):
        for i, each in enumerate(nodes):
            if each.path in units:
                message = f"{each.path} is written by a unit of this config already"
                related = (("the unit", units[each.path]),)
                hint = "remove this entry, or the unit's contents"
                findings.error("path-is-unit", message, "storage", what, i, "path", hint=hint, related=related)
