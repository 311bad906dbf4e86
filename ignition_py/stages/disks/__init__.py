"""The disks stage: partitions, RAID, LUKS, filesystems. `run(ctx)` is what the engine calls; the work is in
`stage.py`."""

from __future__ import annotations

from ignition_py.context import Context
from ignition_py.stages import preflight


def run(ctx: Context) -> None:
    """Brings the machine's disks to what the config wants. Raises StageError or CommandError; docs/disks.md says
    what a second run finds then. StageError comes before anything else where a later stage is known to fail."""
    preflight.check(ctx)
    storage = ctx.config.storage
    if not (storage.disks or storage.raid or storage.luks or storage.filesystems):
        return  # touching nothing also means waiting for nothing
    from ignition_py.stages.disks.stage import run_stage

    run_stage(ctx)
