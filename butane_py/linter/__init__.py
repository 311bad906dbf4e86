"""`--lint`: what compiles, and is still likely to go wrong. Never on by default, since --strict fails on any warning.

One file a subject, one decorated function a rule (rule.py); rules look at the config and its output through `Facts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from butane_py import tables
from butane_py.compilation import Compilation
from ignition_py.spec import tables as spec

if TYPE_CHECKING:
    from butane_py.linter.facts import Refusals
    from butane_py.linter.rule import Find, Rule
    from ignition_py.report.diag import Entry

ENTRY_POINTS = "butane_py.lints"


def lint(
    work: Compilation, config: tables.Config, compiled: spec.Config, output: str, refusals: Refusals, *, written: bool = False
) -> None:
    """Adds what the selected rules find to the report, in the order of the text.

    `refusals` gives the errors of the same text as a config of another version. `written` runs only the rules that look at the config
    as it is written: for a file that is a part of the compiled config.
    """
    from butane_py.linter.facts import Facts
    from butane_py.linter.rule import Find
    from butane_py.linter.settings import Settings

    settings = work.options.settings or Settings()
    facts = Facts(work, config, compiled, output, settings, refusals)
    for rule in rules().values():
        if settings.runs(rule.code) and (rule.written or not written):
            find = Find(facts, rule)
            _run(rule, find)
            facts.found += find.entries
    facts.found = _causes(facts.found)
    facts.found.sort(key=lambda entry: (entry.place.line, entry.place.column))
    work.report.entries += facts.found


def _causes(found: list[Entry]) -> list[Entry]:
    """The entries without those that follow from a placeholder in the same value."""
    marked = {entry.place.path for entry in found if entry.code == "lint-placeholder"}
    return [
        entry
        for entry in found
        if entry.code == "lint-placeholder" or not entry.place.path or entry.place.path not in marked
    ]


def _run(rule: Rule, find: Find) -> None:
    """Runs one rule. Raises ConfigError where a rule of somebody else fails."""
    from butane_py.linter.rule import EnoughError

    try:
        rule.check(find.facts, find)
    except EnoughError:
        return
    except Exception as error:
        if rule.check.__module__.startswith("butane_py."):
            raise
        from ignition_py.report.diag import ConfigError

        message = f"the lint rule {rule.code} of {rule.check.__module__} failed: {type(error).__name__}: {error}"
        raise ConfigError(message, hint="leave it out with --select, or update what brings it") from error


def rules() -> dict[str, Rule]:
    """Every rule by its code: those of butane-py, then those of installed distributions. Raises ConfigError for one that cannot be loaded."""
    from importlib.metadata import entry_points

    from butane_py.linter import every
    from ignition_py.report.diag import ConfigError

    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:
            raise ConfigError(f"the lint rules {point.name} ({point.value}) cannot be loaded: {type(error).__name__}: {error}",
                              hint="update or uninstall the distribution that brings them") from error  # fmt: skip
    return every.RULES
