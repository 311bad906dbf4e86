"""The output as text: Ignition JSON, as the reference writes it. A MachineConfig is YAML: see emit_yaml.py."""

from __future__ import annotations

from ignition_py.spec.encode import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def emit_json(data: dict[str, Any], *, pretty: bool) -> str:
    """`data` as JSON, without a final newline."""
    return to_json(data, indent=2 if pretty else None)
