"""Fields of the output that the row forbids. The rules are in variants.py."""

from __future__ import annotations

from ignition_py.report.diag import ERROR
from ignition_py.spec.model import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.compilation import Compilation
    from butane_py.variants import Forbidden
    from ignition_py.report.diag import Path


def find_forbidden(work: Compilation) -> None:
    """Errors for what the row forbids and the output has."""
    for rule in work.row.forbids:
        if rule.applies(work.row.levels):
            _forbid(work, work.output, rule, rule.path.split("."), ())


def _forbid(work: Compilation, value: object, rule: Forbidden, names: list[str], path: Path) -> None:
    if not names:
        if not _empty(value, rule.empty_ok):
            work.at_output(work.output, ERROR, rule.code, rule.message, path)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            _forbid(work, item, rule, names, (*path, i))
    elif isinstance(value, Struct):
        name = names[0]
        if name in value.__dict__:
            _forbid(work, value.__dict__[name], rule, names[1:], (*path, name))


def _empty(value: object, zero_ok: bool) -> bool:
    """A pointer to an empty value counts as given, as in the reference, except where sugar writes such values itself."""
    if isinstance(value, Struct):
        return all(
            _empty(each, zero_ok) if entry.struct is not None or entry.many else not entry.optional and not each
            for entry, each in value.items()
        )
    if isinstance(value, tuple):
        return not value
    return zero_ok and not value
