"""Configs that this one merges or is replaced by, from local files: the reference embeds them unread."""

from __future__ import annotations

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from butane_py.resources import LocalFileError, read_local
from butane_py.yaml.source import At
from ignition_py.report.diag import ERROR, path_text

_MERGE = "ignition:\n  config:\n    merge:\n      - local: "


@lint(
    "lint-child-config",
    written=True,
    title="A local child config is broken",
    why="The file that ignition.config.merge or replace embeds would be refused at boot.",
    fix="Compile the file first and name what comes out, or mend what the message says.",
    wrong=_MERGE + "a.txt\n",
    right=_MERGE + "child.ign\n",
    local=True,
)
def child_config(facts: Facts, find: Find) -> None:
    """Local children that Ignition would refuse."""
    children = facts.config.ignition.config
    for reference in [*children.merge, children.replace]:
        local = getattr(reference, "local", None)
        if local and reference.compression in (None, "") and isinstance(reference._origin, At):
            try:
                text = read_local(local, facts.work.options)
            except LocalFileError:
                continue  # an error of the compilation itself
            problem, hint = _problem(text)
            if problem:
                find.at_yaml((*reference._origin.path, "local"), f"{local} {problem}", hint=hint)


def _problem(text: bytes) -> tuple[str, str]:
    """Why a machine would refuse the config, and the way out; empty where it would not."""
    from ignition_py.report.diag import ConfigError
    from ignition_py.spec.read import parse

    if text.lstrip().startswith((b"variant:", b"#", b"---")):
        return (
            "is a Butane config, and Ignition before 2.27 reads JSON only",
            "compile it first, and name the file that comes out; `butane-py build` merges it by `include:`",
        )
    try:
        _, _, report = parse(text)
    except ConfigError as error:
        report = error.report
        if not report.fatal:
            return f"is refused by Ignition: {error}", ""
    for entry in report:
        if entry.severity == ERROR:
            where = f" at {path_text(entry.place.path)}" if entry.place.path else ""
            return f"is refused by Ignition{where}: {entry.message}", entry.hint
    return "", ""
