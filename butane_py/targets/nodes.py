"""What the writers of file-like targets ask of nodes, contents and units."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from butane_py.decompiler.unpack import contents_of
from butane_py.targets.fields import is_remote
from butane_py.targets.plan import Plan
from ignition_py.record import Record
from ignition_py.spec import tables as spec

ROOT = "root"
DEFAULT_FILE, DEFAULT_DIRECTORY = 0o644, 0o755
UNITS = "/etc/systemd/system"
# Folders that every system has.
_SYSTEM_FOLDERS = frozenset(
    (
        "/",
        "/etc",
        "/var",
        "/var/lib",
        "/var/log",
        "/usr",
        "/usr/local",
        "/usr/local/bin",
        "/opt",
        "/root",
        "/home",
        "/srv",
        UNITS,
    )
)
_EARLY = frozenset(
    ("sysinit.target", "basic.target", "local-fs.target", "local-fs-pre.target", "cryptsetup.target", "swap.target")
)
_INSTALL = re.compile(r"^(?:WantedBy|RequiredBy|UpheldBy)\s*=\s*(.*)$", re.M)


class Owner(Record):
    """The owner of a node: names, or ids as digits."""

    user: str = ROOT
    group: str = ROOT

    @property
    def is_root(self) -> bool:
        return self.user == ROOT and self.group == ROOT

    @property
    def by_name(self) -> bool:
        """True if both are names."""
        return not (self.user.isdigit() or self.group.isdigit())

    def __str__(self) -> str:
        return f"{self.user}:{self.group}"


def owner_of(node: spec.Node) -> Owner:
    """The owner of a node; root where the config says nothing, and for the id 0."""
    return Owner(*(_name(each.name, each.id) for each in (node.user, node.group)))


def has_owner(node: spec.Node) -> bool:
    """True if the config says anything about the owner."""
    return any(each.name or each.id is not None for each in (node.user, node.group))


def _name(name: str | None, number: int | None) -> str:
    return name or (str(number) if number else ROOT)


class Piece(Record):
    """Contents to write, or to append: bytes of the config, or a resource that the machine fetches."""

    data: bytes | None
    resource: spec.Resource
    append: bool = False


def pieces(file: spec.File) -> list[Piece]:
    """The contents of a file in order; none for a file that is only to exist."""
    found = [Piece(contents_of(file.contents), file.contents)] if file.contents.source is not None else []
    found += [Piece(contents_of(each), each, True) for each in file.append if each.source is not None]
    return [each for each in found if each.data is not None or is_remote(each.resource)]


def missing_parents(plan: Plan) -> list[str]:
    """Folders of links and of files without contents that nothing else makes, each once, in order."""
    storage = plan.config.storage
    made = {directory.path for directory in storage.directories} | _SYSTEM_FOLDERS
    nodes: list[spec.Node] = [*storage.links, *(file for file in storage.files if not pieces(file))]
    return list(dict.fromkeys(folder for node in nodes if (folder := posixpath.dirname(node.path)) not in made))


class UnitFile(Record):
    """A unit or a drop-in as a file: the index of its unit in the config, its path and its text."""

    index: int
    path: str
    data: bytes


def unit_files(plan: Plan) -> Iterator[UnitFile]:
    """The files of units: texts, and drop-ins. A unit that is masked has no text."""
    for index, unit in enumerate(plan.config.systemd.units):
        if unit.contents and not unit.mask:
            yield UnitFile(index, f"{UNITS}/{unit.name}", _bytes(unit.contents))
        for dropin in unit.dropins:
            if dropin.contents:
                yield UnitFile(index, f"{UNITS}/{unit.name}.d/{dropin.name}", _bytes(dropin.contents))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def starts_early(unit: spec.Unit) -> bool:
    """True if a unit belongs to a step of the boot that is over when first-boot agents run, or is a template."""
    if "@." in unit.name:
        return True
    targets = {word for found in _INSTALL.findall(unit.contents or "") for word in found.split()}
    return bool(targets & _EARLY)


def below(path: str, folder: str) -> bool:
    """True if `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
