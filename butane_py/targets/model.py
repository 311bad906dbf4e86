"""What a target is: a row with its versions, its outputs, and a cell for each neutral field (fields.py).

    TARGET = Target(
        "example", "Example Linux", versions=("1.0",), outputs=("example.yaml",), write=write,
        support={"hostname": NATIVE, "sysctl": FILES, "raid": No("target-no-raid", "Example Linux makes no RAID arrays", "…")},
    )

A cell tells how the target takes the field. The same cells make the errors, the matrix of `butane-py targets` and of docs/targets.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from butane_py.targets.layouts import Layout
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.record import KW_ONLY, Record

# Writes the outputs of a plan: part (the end of a file's name) -> contents. The first part is the main one.
# Reports through the findings; what it returns does not count where they have an error.
Writer: TypeAlias = "Callable[[Plan, Findings], dict[str, bytes]]"
# Reports what the cells of a target do not tell: forms of values, combinations.
Check: TypeAlias = "Callable[[Plan, Findings], None]"


class Takes(Record):
    """A cell: the target takes the field, in its own words (`native`) or as a file; `limits` is what it does not take, "" for nothing."""

    native: bool
    limits: str = ""


class No(Record):
    """A cell: the target cannot say the field. The sentence names the system; the hint is the way out besides skipping."""

    code: str
    sentence: str
    hint: str = ""


NATIVE = Takes(True)
FILES = Takes(False)


def native(limits: str) -> Takes:
    """A native cell with limits."""
    return Takes(True, limits)


def files(limits: str) -> Takes:
    """A cell for a file, with limits."""
    return Takes(False, limits)


class Target(Record):
    """One system that configs are written for.

    `title` is what sentences call the system. `check` is called before `write`, whatever the cells have reported. `write` is called if
    nothing is refused, and with `reports_by_writing` in any case, since it reports what the cells do not tell. `versions` are oldest
    first, the default is `default_version`; without versions the format has none. `flavours` are those of `NAME:FLAVOUR`, the first is the
    default. `outputs` are the parts that can come out, the
    main one first. `options` are the keys of `targets.NAME` besides skip, each with its kind (text, bool, list, texts, map);
    `open_options`: any other key is native text too. `layout` tells which files facts become where a cell says FILES; None: the
    target takes none as files. `mounts` tells that the target mounts filesystems itself, without the units of `with_mount_unit`.
    `platforms` hand the output over as user data (names of deliver/platforms.py); `gzips` tells whether the system takes it compressed.
    `differs` gives the cells that are other ones at a version or in a flavour; the matrix shows those of the default.
    """

    name: str
    title: str
    _: KW_ONLY
    write: Writer
    check: Check | None = None
    reports_by_writing: bool = False
    support: Mapping[str, Takes | No]
    outputs: tuple[str, ...]
    versions: tuple[str, ...] = ()
    default_version: str = ""
    flavours: tuple[str, ...] = ()
    options: Mapping[str, str] = {}  # never changed
    open_options: bool = False
    layout: Callable[[Chosen], Layout] | None = None
    mounts: bool = False
    platforms: tuple[str, ...] = ()
    gzips: bool = False
    differs: Callable[[Chosen], Mapping[str, Takes | No]] | None = None


class Chosen(Record):
    """A target at a version, in a flavour: what `--target NAME[@VERSION][:FLAVOUR]` names."""

    target: Target
    version: str = ""
    flavour: str = ""

    def __str__(self) -> str:
        """The name as it is given: `talos@1.14`, `kairos:ubuntu`; version and flavour where they are not the default."""
        text = self.target.name
        if self.version != self.target.default_version:
            text += f"@{self.version}"
        if self.target.flavours and self.flavour != self.target.flavours[0]:
            text += f":{self.flavour}"
        return text

    def cell(self, field: str) -> Takes | No:
        """How the target takes a field at this version and in this flavour."""
        other = self.target.differs(self) if self.target.differs is not None else {}
        return other.get(field) or self.target.support[field]

    def takes(self, field: str) -> Takes | None:
        """The cell of a field; None where the target cannot say it."""
        cell = self.cell(field)
        return cell if isinstance(cell, Takes) else None

    def at_least(self, version: str) -> bool:
        """True if the chosen version stands in the row at or behind `version`."""
        rows = self.target.versions
        return rows.index(self.version) >= rows.index(version)


class TargetError(ValueError):
    """The name of a target is wrong; the message says what is known."""
