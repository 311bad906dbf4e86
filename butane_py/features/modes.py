"""Modes of files and directories as they are written: a decimal number that was meant to be octal is warned of."""

from __future__ import annotations

from butane_py import base
from butane_py.features.feature import Feature
from butane_py.registry import ButaneFindings, rule
from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_
from ignition_py.spec import tables as spec


@code(
    "mode-decimal",
    title="A mode looks octal and is decimal",
    why=(
        "YAML reads 644 as a decimal number, which as mode bits is 01204: the owner may write the file but not read it."
    ),
    fix="Write the leading zero: 0644.",
    wrong=file_("mode: 644"),
    right=file_("mode: 0644"),
    severity=WARNING,
)
@rule(spec.Directory)
@rule(base.File)
def mode(it: spec.Directory | base.File, find: ButaneFindings) -> None:
    directory = isinstance(it, spec.Directory)
    if it.mode is None or _usual(it.mode, directory):
        return
    meant = _read_as_octal(it.mode)
    if meant is not None and _usual(meant, directory):
        message = f"mode {it.mode} is decimal and means {it.mode:#o}".replace("0o", "0")
        find.warning("mode-decimal", message, "mode", hint=f"write 0{it.mode}", fix=meant)


def _read_as_octal(mode: int) -> int | None:
    """The mode that the digits would be in octal."""
    if not 0 <= mode <= 7777 or set(str(mode)) & {"8", "9"}:
        return None
    return int(str(mode), 8)


def _usual(mode: int, directory: bool) -> bool:
    """True for permissions that people give on purpose. Source: the reference's list, measured."""
    if mode == 0:
        return True
    seen = 0
    for shift in (0, 3, 6):
        bits = mode >> shift & 7
        if seen & ~bits & 7 or (bits & 1 and seen & 4 and not seen & 1) or (bits & 3 and not bits & 4):
            return False
        seen |= bits
    if not seen & 4:
        return False
    if directory:
        return bool(seen & 1) and not mode & 0o4000 and not (mode & 0o3000 and not seen & 2)
    return not (mode & 0o6000 and (not seen & 1 or mode & 2)) and not mode & 0o1000


FEATURE = Feature()
