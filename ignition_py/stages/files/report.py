"""`/etc/.ignition-report.jsonl` (mode 0600): the report of this boot, in the new root beside the result file.

It is copied before labelling, so that it gets a label; what comes after that, the end of this stage too, is appended to
the copy. Where the stage is run without a recorder (tests, image builds) there is none.
"""

from __future__ import annotations

import os

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.nodes.writer import Permissions, Writer
from ignition_py.stages.files.touched import Touched
from ignition_py.system.host import write_all
from ignition_py.system.rootfs import Root

PATH = "/etc/.ignition-report.jsonl"
FAILURE = "/etc/.ignition-failure.json"  # kept.py


def write_report(ctx: Context, root: Root, journal: Journal, touched: Touched) -> int:
    """Copies the report, over one of an earlier provisioning. The size of the copy in bytes, 0 for none. Raises StageError."""
    if ctx.log.recorder is None:
        return 0
    data = ctx.log.recorder.contents()
    try:
        where = root.locate(PATH)
        journal.written(where)
        journal.save()
        with Writer(root, ctx.log) as writer:
            writer.write(PATH, (data,), Permissions(0o600))
    except OSError as error:
        raise StageError(f"writing the report of this boot to {PATH}: {error.strerror}") from None
    touched.add(where)
    return len(data)


def finish_report(ctx: Context, root: Root, copied: int) -> None:
    """Appends what has happened since `write_report` copied `copied` bytes. Raises StageError.

    What an earlier boot kept about its failure is taken away: it is over.
    """
    recorder = ctx.log.recorder
    if recorder is None:
        return
    rest = recorder.contents()[copied:] + recorder.end_line().encode()
    try:
        with root.spot(PATH) as spot:
            fd = spot.open_regular(os.O_WRONLY | os.O_APPEND)
            try:
                write_all(fd, rest)
            finally:
                os.close(fd)
        with root.spot(FAILURE) as spot:
            spot.remove()
    except OSError as error:
        raise StageError(f"writing the report of this boot to {PATH}: {error.strerror}") from None
