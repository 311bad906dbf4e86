"""The import graph of both programs has no circle: each module stands on modules below it alone.

Imports inside of functions count as well as those at the top of a module: they are made at run time, and a circle through
them is a circle. Imports for type checkers (`if TYPE_CHECKING:`) do not count. `from package import name` is an import of the
module `package.name` where there is one.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TREE = Path(__file__).parents[1]
PACKAGES = ("butane_py", "ignition_py")


def _modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (TREE / package).rglob("*.py"):
            parts = path.relative_to(TREE).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _is_for_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _imports(node: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    """Every import statement below a node that is made at run time."""
    found: list[ast.Import | ast.ImportFrom] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            found.append(child)
        elif isinstance(child, ast.If) and _is_for_types(child.test):
            found += [statement for part in child.orelse for statement in _imports(ast.Module([part], []))]
        else:
            found += _imports(child)
    return found


def imported(source: str, name: str, modules: set[str], *, package: bool) -> set[str]:
    """The modules of ours that the module `name` imports. `package`: its file is an `__init__.py`."""
    found: set[str] = set()
    for statement in _imports(ast.parse(source)):
        if isinstance(statement, ast.Import):
            found.update(alias.name for alias in statement.names if alias.name in modules)
            continue
        base = statement.module or ""
        if statement.level:
            above = name.split(".")[: len(name.split(".")) - statement.level + package]
            base = ".".join([*above, *([base] if base else [])])
        for alias in statement.names:
            full = f"{base}.{alias.name}"
            found.update({full} if full in modules else {base} & modules)
    return found - {name}


def circles(graph: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """The strongly connected parts of more than one module, by Tarjan's algorithm; each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = set()

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for below in sorted(graph[name]):
            if below not in index:
                visit(below)
                low[name] = min(low[name], low[below])
            elif below in stack:
                low[name] = min(low[name], index[below])
        if low[name] == index[name]:
            part = [stack.pop()]
            while part[-1] != name:
                part.append(stack.pop())
            if len(part) > 1:
                found.add(tuple(sorted(part)))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def test_no_circles() -> None:
    modules = _modules()
    graph = {
        name: imported(path.read_text(), name, set(modules), package=path.name == "__init__.py")
        for name, path in modules.items()
    }
    assert circles(graph) == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b", {"a.b"}),
        ("from a import b", {"a.b"}),
        ("from a import name", {"a"}),
        ("from a.b import name", {"a.b"}),
        ("from . import b", {"a.b"}),
        ("from .b import name", {"a.b"}),
        ("import os, json", set()),
        ("def f():\n    from a.b import name", {"a.b"}),
        ("class C:\n    def f(self):\n        import a.b", {"a.b"}),
        ("try:\n    import a.b\nexcept ImportError:\n    pass", {"a.b"}),
        ("if TYPE_CHECKING:\n    import a.b", set()),
        ("if typing.TYPE_CHECKING:\n    import a.b", set()),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import a.b", {"a.b"}),
        ("if os.name:\n    import a.b", {"a.b"}),
    ],
)
def test_what_counts_as_an_import(source: str, expected: set[str]) -> None:
    assert imported(source, "a.c", {"a", "a.b", "a.c"}, package=False) == expected


def test_relative_import_of_a_package() -> None:
    assert imported("from . import b", "a", {"a", "a.b"}, package=True) == {"a.b"}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": set()}, set()),
        ({"a": {"b"}, "b": {"a"}}, {("a", "b")}),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, {("a", "b", "c")}),
        ({"a": {"b", "c"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}, {("a", "b"), ("c", "d")}),
    ],
)
def test_circles(graph: dict[str, set[str]], expected: set[tuple[str, ...]]) -> None:
    assert circles(graph) == expected
