"""What a compilation gives to callers of the library."""

from __future__ import annotations

from typing import Any

from butane_py.compilation import Compilation
from ignition_py.record import Record, field
from ignition_py.report.diag import ERROR, Report


class CompileError(ValueError):
    """A config has errors. The message is the first of them; `report` holds every diagnostic."""

    def __init__(self, report: Report) -> None:
        errors = [entry for entry in report if entry.severity == ERROR]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0].raw()}{more}")
        self.report = report


class SchemaError(ValueError):
    """An output does not hold to its published schema; the message says where."""


class Result(Record):
    """The outcome of a compilation.

    `output` is the text (without a final newline), None where the report has errors; `source_map` the map, where it was
    asked for. `compilation` holds what the passes made, None where a caller has put the result together itself.
    """

    output: str | None
    report: Report
    source_map: dict[str, Any] | None = None
    compilation: Compilation | None = None
    outputs: dict[str, bytes] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True if there is an output: the report has no errors."""
        return self.output is not None

    @property
    def config(self) -> dict[str, Any] | None:
        """A copy of the output as dicts and lists, None where there is none. A MachineConfig holds the Ignition config in `spec.config`."""
        if self.output is None or self.compilation is None:
            return None
        from copy import deepcopy

        return deepcopy(self.compilation.document)

    @property
    def variant(self) -> str:
        """Name of the variant, "" where the config names none that is known."""
        row = getattr(self.compilation, "row", None)
        return row.name if row is not None else ""

    @property
    def version(self) -> str:
        """Version of the variant, "" where the config names none that is known."""
        row = getattr(self.compilation, "row", None)
        return row.version if row is not None else ""

    def raise_for_errors(self) -> None:
        """Raises CompileError where the report has errors."""
        if self.report.fatal:
            raise CompileError(self.report)

    def validate(self) -> None:
        """Checks the output with jsonschema against the published schema of its version, and of MachineConfigs.

        The output of a target that is no Ignition config has no published schema here.

        Raises CompileError where there is no output, and SchemaError where it does not hold to the schema, which would be a
        defect of the compiler.
        """
        from butane_py.published import violations

        self.raise_for_errors()
        assert self.output is not None
        if self.outputs and not next(iter(self.outputs)).endswith(".ign"):
            return
        found = violations(self.output)
        if found:
            raise SchemaError("; ".join(found))

    def __bool__(self) -> bool:
        return self.ok

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self.output == other.output and self.report == other.report

    def __hash__(self) -> int:
        return hash(self.output)

    def __repr__(self) -> str:
        what = f"{self.variant} {self.version}".strip() or "no known variant"
        size = f"{len(self.output)} characters" if self.output is not None else "no output"
        return f"Result({what}, {size}, {self.report!r})"
