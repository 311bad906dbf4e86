"""LUKS volumes: not there yet. A config that wants one is refused before anything is written."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.context import Context
    from ignition_py.spec.tables import Storage
    from ignition_py.stages.disks.progress import Progress


def missing(storage: Storage) -> list[str]:
    return [
        f"the LUKS volume {volume.name} cannot be made: this version of ignition-py does not support LUKS yet"
        for volume in storage.luks
    ]


def create_all(ctx: Context, record: Progress) -> None:
    """Nothing: `missing()` has refused every config with a LUKS volume."""
