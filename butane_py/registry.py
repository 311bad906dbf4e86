"""The registry of the compiler's own checks: same machinery as the Ignition rules, paths are YAML paths."""

from __future__ import annotations

from ignition_py.spec.rules.registry import Findings, RuleSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.variants import Variant

BUTANE = RuleSet()
rule = BUTANE.rule


class ButaneFindings(Findings):
    """Findings of a Butane config; checks may ask for the row."""

    __slots__ = ("row",)

    def __init__(self, row: Variant) -> None:
        super().__init__(row.spec)
        self.row = row
