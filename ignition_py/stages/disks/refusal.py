"""The one way the disks stage says no: every conflict that is known, in one error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ignition_py.report.diag import Cause, several
from ignition_py.spec.model import Struct
from ignition_py.stages.disks.places import conflict
from ignition_py.system.host import which


def refuse(conflicts: Sequence[Cause], changed: str) -> None:
    """Raises one StageError that names every conflict, each once. `changed`: what has been changed so far ("nothing")."""
    if conflicts:
        raise several(conflicts, about="disks: ", each="conflicts", changed=changed)


def missing_programs(needed: Mapping[str, str], entry: Struct | None) -> list[Cause]:
    """The programs that are not on PATH, of those `needed` (name -> what for) by an entry of the config."""
    return [
        conflict(
            f"the program {tool} is needed for {why}, but is not on PATH", entry,
            f"Build the image's initramfs with {tool}, or take the entry out",
        )
        for tool, why in sorted(needed.items())
        if not which(tool)
    ]  # fmt: skip
