"""Values for variables that no file declares: an error where the command line names one, a warning of the linter elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from butane_py.fleet.inventory.model import Inventory, Variables
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, WARNING, Entry, Place, Report

declare(
    "lint-variable",
    title="No file declares a variable that has a value",
    why="A value of an undeclared variable is not used. Where the name is a misspelling the default counts, without a word.",
    fix="Correct the name, or declare it in vars:. Variables that begin with ansible_ are not looked at.",
    lint=True,
)


def unknown_name(name: str, place: Place, declared: Collection[str]) -> Entry:
    """The error of the command line, which names a variable that no file declares."""
    return Entry(ERROR, "var-unknown", f"no file declares the variable {name}", place, _near(name, declared))


def unknown_values(
    names: Sequence[str], inventory: Inventory | None, outside: Sequence[Variables], declared: Collection[str]
) -> Report:
    """The warnings of inventories and files of variables that give a value to a name that no file declares."""
    report = Report()
    for name in names:
        layers = [*(inventory.variables() if inventory is not None else ()), *outside]
        found = [layer[name][-1] for layer in layers if name in layer]
        if found:
            more = f", which has a value in {len(found):,} places" if len(found) > 1 else ""
            message = f"no file declares the variable {name}{more}"
            place = found[0].value().place
            report.entries.append(Entry(WARNING, "lint-variable", message, place, _near(name, declared)))
    return report


def _near(name: str, declared: Collection[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, declared, 1)
    return f"did you mean {close[0]}?" if close else f"declare it: `vars: {{{name}: string}}`"
