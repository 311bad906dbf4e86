"""Placeholders of templates that nothing has replaced. Contents of files and units are left alone: their braces are their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, Node
from ignition_py.report.diag import Path
from ignition_py.report.examples import entry

_MARKS = re.compile(
    r"\$\{\w[^}\s]{0,200}\}|%\{\s*(?:for|if|else|endfor|endif)\b|\{\{[^}]{0,200}\}\}|\{%.{0,200}?%\}|%%\w+%%|\$\([A-Z_]+\)|(?<![\w@.-])@[A-Z][A-Z0-9_]+@|(?<!\w)__[A-Z][A-Z0-9_]*__(?!\w)"
    r"|<(?i:your|my|insert|replace|change|add|enter)[^<>]{0,200}>",
)
_TEXTS = (
    "inline",
    "contents",
    "kernel_arguments",
    "mount_options",
    "options",
    "config",
    "advertisement",
    "gecos",
    "value",
)
_MOST = 20_000  # values


@lint(
    "lint-placeholder",
    written=True,
    title="A template has not been rendered",
    why="The placeholder is taken as it stands: as a key that nobody has, a path, a name.",
    fix="Render the template before it is compiled, or quote what is meant as it stands.",
    wrong=entry("storage", "files", "path: /etc/${NAME}\nmode: 0644"),
    right=entry("storage", "files", "path: /etc/name\nmode: 0644"),
)
def placeholder(facts: Facts, find: Find) -> None:
    """Marks of template languages in values other than contents."""
    root = facts.work.source.root
    for path, text in _values(root) if root is not None else ():
        found = _MARKS.search(text[:4_000])
        if found:
            find.at_yaml(
                path,
                f"{found[0][:60]} looks like a placeholder of a template that has not been rendered",
                hint="render the template first",
            )


def _values(root: Node) -> Iterator[tuple[Path, str]]:
    """Path and text of the values that are no contents."""
    waiting: list[tuple[Path, Node]] = [((), root)]
    left = _MOST
    while waiting and left:
        path, node = waiting.pop()
        left -= 1
        if node.kind == SCALAR:
            yield path, node.value
        elif node.kind == MAPPING:
            below = [((*path, key.value), value) for key, value in node.items if key.value not in _TEXTS]
            below += [
                ((*path, key.value), value)
                for key, value in node.items
                if key.value in _TEXTS and value.kind == MAPPING
            ]
            waiting += reversed(below)
        elif node.kind == SEQUENCE:
            waiting += reversed([((*path, i), item) for i, item in enumerate(node.items)])
        elif node.kind == ALIAS:
            continue
