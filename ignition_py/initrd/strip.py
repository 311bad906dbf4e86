"""Takes out of a module of our own what no boot uses, so that no initramfs carries or runs it.

Our sources import what their annotations name like everything else. Annotations are text at run time (PEP 563), so
most of these imports serve nobody there, and `typing` alone takes up to 40 million instructions of a start. Taken out are

- the bodies of `if TYPE_CHECKING:`,
- annotations of functions and of module variables (those of classes stay: Record and Struct read them),
- imports, type variables, type aliases, protocols and typed dicts at module level that only annotations name,
- the reasons and examples of report codes, which `explain` alone shows, with the imports and private constants that only these use.

An import that nothing names is kept: it is there for what its module does when it is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_CALLS = ("TypeVar", "ParamSpec", "TypeVarTuple", "TypedDict")
_SHAPES = ("Protocol", "TypedDict")
_EXPLAINED = ("why", "wrong", "right", "row")  # arguments of what declares a code (report/catalog.py), beside its title


def strip(tree: ast.Module) -> None:
    """Takes out, in place, what the docstring of this file lists, of a module with `from __future__ import annotations`."""
    if not _imports(tree, "__future__", "annotations"):
        return
    stripper = _Stripper()
    stripper.visit(tree)
    only_there = stripper.names
    # Annotations in tables of the languages name structures, which their modules have to bring in.
    tables = _imports(tree, "ignition_py.spec.model", "field")
    while True:
        used = _Used(tables=tables)
        used.visit(tree)
        unneeded = only_there - used.names
        gone = [node for node in tree.body if _goes(node, used.names, unneeded)]
        only_there.update(name for node in gone for name in _names_in(node))
        left = [kept for node in tree.body if node not in gone and (kept := _without(node, only_there - used.names))]
        if left == tree.body:
            return
        tree.body = left


def _imports(tree: ast.Module, module: str, name: str) -> bool:
    """True if the module has `from module import name`."""
    froms = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == module)
    return any(alias.name == name for node in froms for alias in node.names)


class _Stripper(ast.NodeTransformer):
    """Takes out blocks for type checkers, annotations of functions and variables, and texts; `names` are all names in these."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._class = False

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        if name != "TYPE_CHECKING":
            return node
        self._note(node.test)
        return node.orelse or ast.copy_location(ast.Pass(), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node, of_class=True)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self._note(node.returns)
        node.returns = None
        return self._scope(node, of_class=False)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self._note(node.returns)
        node.returns = None
        return self._scope(node, of_class=False)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self._note(node.annotation)
        node.annotation = None
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if any(keyword.arg == "title" for keyword in node.keywords):
            for keyword in node.keywords:
                if keyword.arg in _EXPLAINED:
                    self._note(keyword.value)
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in _EXPLAINED]
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self._note(node.annotation)
        self.generic_visit(node)
        if self._class or _is_alias(node) or not isinstance(node.target, ast.Name):
            return node
        plain = ast.Pass() if node.value is None else ast.Assign([node.target], node.value)
        return ast.copy_location(plain, node)

    def _scope(self, node: ast.AST, *, of_class: bool) -> ast.AST:
        outer, self._class = self._class, of_class
        self.generic_visit(node)
        self._class = outer
        return node

    def _note(self, annotation: ast.expr | None) -> None:
        if annotation is not None:
            self.names.update(_names_in(annotation))


class _Used(ast.NodeVisitor):
    """Names that are read at run time, and those of `__all__`. `tables`: those in annotations of classes too."""

    def __init__(self, *, tables: bool) -> None:
        self.names: set[str] = set()
        self._tables = tables

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.names.add(node.id)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self._tables and not _is_alias(node):
            self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            constants = (item for item in ast.walk(node.value) if isinstance(item, ast.Constant))
            self.names.update(item.value for item in constants if isinstance(item.value, str))
        self.generic_visit(node)


def _names_in(node: ast.AST) -> Iterator[str]:
    """The names below a node, those in quotes too, as forward references are."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                quoted = ast.parse(part.value, mode="eval")
            except (SyntaxError, ValueError):
                continue  # a text, such as a docstring
            yield from _names_in(quoted.body)


def _is_alias(node: ast.AnnAssign) -> bool:
    return isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"


def _goes(node: ast.stmt, used: set[str], unneeded: set[str]) -> bool:
    """True if a statement declares a type that nothing uses at run time, or sets a private constant in `unneeded`."""
    name = _name(node)
    return bool(name) and name not in used and (_is_type(node) or (name in unneeded and name.startswith("_")))


def _is_type(node: ast.stmt) -> bool:
    """True if a statement declares a type variable, a type alias, a protocol or a typed dict."""
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id in _SHAPES for base in node.bases)
    if isinstance(node, ast.AnnAssign):
        return _is_alias(node)
    call = node.value if isinstance(node, ast.Assign) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _CALLS


def _name(node: ast.stmt) -> str:
    """What a class or an assignment binds, "" for other statements."""
    if isinstance(node, ast.ClassDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _without(node: ast.stmt, unneeded: set[str]) -> ast.stmt | None:
    """The statement without the imports of names in `unneeded`; None where nothing of it is left. `as` with the same name exports it."""
    if not isinstance(node, ast.Import | ast.ImportFrom) or getattr(node, "module", "") == "__future__":
        return node
    node.names = [
        alias for alias in node.names
        if alias.asname == alias.name or (alias.asname or alias.name.partition(".")[0]) not in unneeded
    ]  # fmt: skip
    return node if node.names else None
