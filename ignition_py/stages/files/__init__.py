"""The files stage: users and groups, files, directories and links, units, mdadm.conf, crypttab, the result file, SELinux labels.
`run(ctx)` is what the engine calls; the work is in `stage.py`."""

from __future__ import annotations

from ignition_py.context import Context


def run(ctx: Context) -> None:
    """Runs the stage on `ctx.root`. Raises IgnitionError; the stage may then be run again."""
    from ignition_py.stages.files.stage import run_stage

    run_stage(ctx)


def provision_image(ctx: Context) -> None:
    """The part of the stage that makes sense for an image that is being built: files, directories, links and units.

    As in the reference there are no accounts, no keys, no result file and no labels, and it may be run as often as
    wanted: the image keeps no journal. Raises IgnitionError.
    """
    from ignition_py.stages.files.stage import provision

    provision(ctx)
