"""`--explain-var`: where the value of a variable comes from, and what it overrides."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from butane_py.fleet.outcomes import Step
from ignition_py.report.diag import Place

VERSION = 1
_SHOWN = 60  # characters of a value
_LAYERS = {
    "default": "default in the file", "all": "inventory, all", "group": "group {}", "host": "host {}", "vars": "--vars",
    "env": "--env {}", "var": "--var", "with": "with of an include",
}  # fmt: skip


def explained(variable: str, chains: Iterable[tuple[str, tuple[Step, ...]]]) -> str:
    """The chains of hosts (their names; "" without an inventory) as text: the value that counts first, then what it overrides."""
    out = []
    for host, chain in chains:
        out.append(f"{variable} of {host}\n" if host else f"{variable}\n")
        rows = [(_value(step), _LAYERS[step.layer].format(step.name), _where(step.place)) for step in chain]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        for number, (value, layer, where) in enumerate(rows):
            mark = "=" if not number else " "
            out.append(f"  {mark} {value:<{widths[0]}}  {layer:<{widths[1]}}  {where}".rstrip() + "\n")
    return "".join(out)


def as_json(variable: str, chains: Iterable[tuple[str, tuple[Step, ...]]]) -> str:
    """The same as JSON, a line for each host."""
    return "".join(
        json.dumps(
            {"version": VERSION, "variable": variable, "host": host or None, "chain": [_data(step) for step in chain]},
            ensure_ascii=False,
        )
        + "\n"
        for host, chain in chains
    )


def _data(step: Step) -> dict[str, Any]:
    place = step.place
    return {
        "layer": step.layer,
        "name": step.name or None,
        "value": step.value,
        "secret": step.secret,
        "file": place.source or None,
        "line": place.line or None,
        "column": place.column or None,
    }


def _value(step: Step) -> str:
    if step.secret:
        return "(secret)"
    text = json.dumps(step.value, ensure_ascii=False)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _where(place: Place) -> str:
    return f"{place.source}:{place.line}:{place.column}" if place.line else place.source
