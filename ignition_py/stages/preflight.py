"""Refuses what is known from the config alone to fail later: in the kargs and disks stages, before anything is changed.

Not in the fetch stages: what they take is what the reference's take.
"""

from __future__ import annotations

import os

from ignition_py.context import Context
from ignition_py.report.diag import Cause, several
from ignition_py.spec.provisioning import Problem, problems

# Users that images bring. The image cannot be read before the disks stage; what the initramfs knows is added.
_USUAL = frozenset(("root", "core"))


def check(ctx: Context) -> None:
    """Raises StageError naming everything that cannot be done."""
    config = ctx.config
    found = list(problems(config, _USUAL | _known_users(), user_groups="IGNITION_MICROOS" not in os.environ))
    if not found:
        return
    raise several(map(_cause, found), about="", each="entries of the config cannot be carried out", changed="nothing")


def _cause(problem: Problem) -> Cause:
    return Cause(problem.message, problem.entry.place(), problem.hint[:1].upper() + problem.hint[1:])


def _known_users() -> set[str]:
    """The users of the initramfs, which its image builder copies from the image."""
    try:
        with open("/etc/passwd", encoding="utf-8", errors="replace") as file:
            return {line.partition(":")[0] for line in file}
    except OSError:
        return set()
