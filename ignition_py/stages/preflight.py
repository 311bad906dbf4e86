"""Refuses what is known from the config alone to fail later: in the kargs and disks stages, before anything is changed.

Not in the fetch stages: what they take is what the reference's take.
"""

from __future__ import annotations

import os

from ignition_py.context import Context
from ignition_py.report.diag import ConfigError, path_text
from ignition_py.spec.provisioning import Problem, problems

# Users that images bring. The image cannot be read before the disks stage; what the initramfs knows is added.
_USUAL = frozenset(("root", "core"))
_MOST = 20  # problems in one message


def check(ctx: Context) -> None:
    """Raises ConfigError naming everything that cannot be done."""
    config = ctx.config
    found = list(problems(config, _USUAL | _known_users(), user_groups="IGNITION_MICROOS" not in os.environ))
    if not found:
        return
    texts = [_text(problem) for problem in found[:_MOST]]
    if len(found) > _MOST:
        texts.append(f"and {len(found) - _MOST} more")
    if len(texts) == 1:
        raise ConfigError(found[0].message, place=found[0].entry.place(), hint=_sentence(found[0].hint))
    raise ConfigError(
        f"the config cannot be carried out for {len(found)} reasons: " + "; ".join(f"({i}) {text}" for i, text in enumerate(texts, 1)),
        place=found[0].entry.place(), hint="Nothing has been changed",
    )  # fmt: skip


def _text(problem: Problem) -> str:
    place = problem.entry.place()
    where = f" ({path_text(place.path)}{f' line {place.line}' if place.line else ''})" if place is not None else ""
    return f"{problem.message}{where}: {problem.hint}"


def _sentence(hint: str) -> str:
    return hint[:1].upper() + hint[1:]


def _known_users() -> set[str]:
    """The users of the initramfs, which its image builder copies from the image."""
    try:
        with open("/etc/passwd", encoding="utf-8", errors="replace") as file:
            return {line.partition(":")[0] for line in file}
    except OSError:
        return set()
