"""Checks of files, directories and links, and of storage as a whole."""

from __future__ import annotations

from ignition_py.spec.rules.paths import check_path, clean
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Config, Directory, File, Link, Node, NodeGroup, NodeUser, Storage
from ignition_py.spec.upgrade import SPECIAL_BITS_SINCE

_MODE_MAX = 0o7777
_SPECIAL_BITS = 0o7000
UNIT_DIRECTORY = "/etc/systemd/system/"


@rule(Node)
def node(it: Node, findings: Findings) -> None:
    check_path(findings, it.path, "path")


@rule(File)
@rule(Directory)
def mode(it: File | Directory, findings: Findings) -> None:
    if it.mode is None:
        return
    if not 0 <= it.mode <= _MODE_MAX:
        findings.error("mode-range", f"mode {it.mode} is outside 0 to {_MODE_MAX} (octal 7777)", "mode")
    if it.mode & _SPECIAL_BITS and findings.version < SPECIAL_BITS_SINCE:
        findings.warning("mode-special-bits", "setuid, setgid and sticky bits have no effect before spec 3.6.0", "mode")


@rule(File)
def overwrite(it: File, findings: Findings) -> None:
    if it.overwrite and it.contents.source is None:
        findings.error("overwrite-without-source", "overwrite is true, but there are no contents to write", "overwrite")


@rule(NodeUser)
@rule(NodeGroup)
def owner(it: NodeUser | NodeGroup, findings: Findings) -> None:
    if it.id is not None and it.name:
        findings.error("owner-id-and-name", "give either the id or the name, not both")


@rule(Storage)
def below_links(it: Storage, findings: Findings) -> None:
    links = {link.path for link in it.links}
    if not links:
        return
    for what, nodes in (("directories", it.directories), ("files", it.files), ("links", it.links)):
        for i, each in enumerate(nodes):
            for link in it.links if len(links) < 8 else ():
                if each.path.startswith(link.path + "/"):
                    _below(findings, each.path, link.path, what, i)
            if len(links) >= 8:
                for above in _parents(each.path, links):
                    _below(findings, each.path, above, what, i)


def _below(findings: Findings, path: str, link: str, what: str, index: int) -> None:
    findings.error("below-link", f"{path} lies below the link {link} of the same config", what, index)


def _parents(path: str, links: set[str]) -> list[str]:
    """The links that `path` lies below: every prefix that ends before a slash."""
    found = []
    at = path.find("/")
    while at >= 0:
        if path[:at] in links:
            found.append(path[:at])
        at = path.find("/", at + 1)
    return found


@rule(Storage)
def links(it: Storage, findings: Findings) -> None:
    directories = {each.path for each in it.directories}
    for i, link in enumerate(it.links):
        if not link.target and findings.version >= 3:
            findings.error("link-target-missing", "a link needs its target", "links", i, "target")
        elif link.hard:
            _hard_link(link, i, directories, findings)


def _hard_link(link: Link, index: int, directories: set[str], findings: Findings) -> None:
    target = clean(link.target or "")
    if not target.startswith("/"):
        target = clean("/".join(part for part in (link.path, link.target) if part))
    if target in directories:
        findings.error("hard-link-directory", f"a hard link cannot point to the directory {target}", "links", index)
    for who, owned in (("user", link.user), ("group", link.group)):
        for name in ("id", "name"):
            if owned.has(name):
                findings.warning(
                    "hard-link-owner",
                    "a hard link has the owner of its target; this has no effect",
                    "links",
                    index,
                    who,
                    name,
                )


@rule(Storage)
def filesystems_on_disks(it: Storage, findings: Findings) -> None:
    disks = {each.device: each for each in it.disks}
    for i, filesystem in enumerate(it.filesystems):
        disk = disks.get(filesystem.device)
        if disk is None:
            continue
        if disk.partitions:
            findings.warning(
                "filesystem-on-partitioned",
                f"this filesystem overwrites the partitions of {disk.device}",
                "filesystems",
                i,
                "device",
            )
        elif disk.wipe_table and not filesystem.wipe_filesystem:
            findings.warning(
                "filesystem-wiped",
                f"{disk.device} has wipe_table, which wipes this filesystem too",
                "filesystems",
                i,
                "device",
            )


@rule(Config)
def unit_paths(it: Config, findings: Findings) -> None:
    units: set[str] = set()
    for unit in it.systemd.units:
        if unit.contents:
            units.add(UNIT_DIRECTORY + unit.name)
        units.update(f"{UNIT_DIRECTORY}{unit.name}.d/{dropin.name}" for dropin in unit.dropins if dropin.contents)
    if not units:
        return
    for what, nodes in (
        ("files", it.storage.files),
        ("directories", it.storage.directories),
        ("links", it.storage.links),
    ):
        for i, each in enumerate(nodes):
            if each.path in units:
                findings.error(
                    "path-is-unit",
                    f"{each.path} is written by a unit of this config already",
                    "storage",
                    what,
                    i,
                    "path",
                )
