"""Which entry of the config a conflict or a failure belongs to."""

from __future__ import annotations

from types import TracebackType

from ignition_py.report.diag import Cause, IgnitionError
from ignition_py.spec.model import Struct


def conflict(message: str, entry: Struct | None = None, hint: str = "") -> Cause:
    """Why an entry cannot be carried out; `hint` is an instruction."""
    return Cause(message, entry.place() if entry is not None else None, hint)


class AskedBy:
    """`with AskedBy(entry, hint): ...` gives an error that has no place that of the entry, and one without a way out the hint."""

    __slots__ = ("_entry", "_hint")

    def __init__(self, entry: Struct, hint: str = "") -> None:
        self._entry = entry
        self._hint = hint

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if isinstance(error, IgnitionError):
            error.place = error.place or self._entry.place()
            error.hint = error.hint or self._hint
