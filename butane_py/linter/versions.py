"""Versions: what newer versions of the variant refuse, and versions that are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from ignition_py.report.diag import INFO, Path
from ignition_py.report.examples import file_

if TYPE_CHECKING:
    from butane_py.variants import Variant

_HEAD = "variant: fcos\nversion: "
_MOUNT = "\nstorage:\n  filesystems:\n    - device: /dev/disk/by-label/data\n      format: ext4\n      with_mount_unit: true\n      path: "


def newer_rows(row: Variant) -> list[Variant]:
    """The later versions of the same variant, oldest first. Rows stand in the order of their versions."""
    from butane_py.variants import VARIANTS

    rows = [each for each in VARIANTS.values() if each.name == row.name]
    return rows[next(i for i, each in enumerate(rows) if each.version == row.version) + 1 :]


@lint(
    "lint-newer-version",
    title="A newer version refuses this",
    why="Newer versions refuse what was found not to work; the config compiles, and the boot is likely to fail.",
    fix="Change what the message says, as if the config were of the newer version.",
    wrong=f"{_HEAD}1.5.0{_MOUNT}/data\n",
    right=f"{_HEAD}1.5.0{_MOUNT}/var/data\n",
)
def newer_version(facts: Facts, find: Find) -> None:
    """What the newest version refuses and this one takes, with the first version that refuses it."""
    rows = newer_rows(facts.row)
    if not rows:
        return
    newest = facts.refusals(rows[-1])
    if not newest:
        return
    seen: dict[tuple[str, Path], Variant] = {}
    for row in rows if len(rows) > 1 else ():
        for entry in facts.refusals(row):
            seen.setdefault((entry.code, entry.place.path), row)
    for entry in newest:
        first = seen.get((entry.code, entry.place.path), rows[-1])
        find.at_yaml(
            entry.place.path,
            f"{first} refuses this: {entry.message}",
            hint=entry.hint or f"butane-py explain {entry.code}",
        )


@lint(
    "lint-old-version",
    severity=INFO,
    title="There is a newer version of the variant",
    why="Newer versions have more checks and more sugar. Older ones keep working.",
    fix="butane-py upgrade writes the config in the newest version.",
    wrong=f"{_HEAD}1.0.0\n{file_('mode: 0644')}",
    right=f"{_HEAD}1.7.0\n{file_('mode: 0644')}",
)
def old_version(facts: Facts, find: Find) -> None:
    """Versions that a newer stable one has replaced; of OpenShift the version is that of the cluster."""
    if facts.row.machine_config:
        return
    stable = [row for row in newer_rows(facts.row) if "-" not in row.version]
    if stable:
        path = ("version",)
        find.at_yaml(
            path,
            f"{facts.row.name} {facts.row.version} is old: {stable[-1].version} is the newest",
            hint="butane-py upgrade rewrites it",
        )
