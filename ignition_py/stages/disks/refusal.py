"""The one way the disks stage says no: every conflict that is known, in one error."""

from __future__ import annotations

from collections.abc import Sequence

from ignition_py.report.diag import StageError


def refuse(conflicts: Sequence[str], state: str) -> None:
    """Raises one StageError that names every conflict, each once."""
    unique = list(dict.fromkeys(conflicts))
    if len(unique) == 1:
        raise StageError(f"disks: {unique[0]}", hint=state)
    if unique:
        raise StageError(
            f"disks: {len(unique)} conflicts: " + "; ".join(f"({i}) {text}" for i, text in enumerate(unique, 1)),
            hint=state,
        )
