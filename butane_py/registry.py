"""The registry of the compiler's own checks: same machinery as the Ignition rules, paths are YAML paths."""

from __future__ import annotations

from butane_py.variants import Variant
from ignition_py.report.diag import Path
from ignition_py.spec.rules.registry import Finding, Findings, RuleSet

BUTANE = RuleSet()
rule = BUTANE.rule


class ButaneFindings(Findings):
    """Findings of a Butane config; checks may ask for the row."""

    __slots__ = ("row",)

    def __init__(self, row: Variant) -> None:
        super().__init__(row.spec)
        self.row = row

    def of_inline(self, severity: str, code: str, message: str, path: Path, hint: str = "") -> None:
        """Reports something of an inline config at its own path, as the reference does; where the inline config stands is related."""
        self.found.append(
            Finding(severity, code, message, path, hint, related=(("the inline config", (*self.at, "inline")),))
        )
