"""What no boot uses is taken out of our modules before they are put into an initramfs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ignition_py.initrd.strip import strip

TREE = Path(__file__).parents[2]
HEAD = "from __future__ import annotations\n"


def stripped(source: str) -> str:
    tree = ast.parse(HEAD + source)
    strip(tree)
    return ast.unparse(tree).removeprefix(HEAD.strip()).strip()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("from a import X\ndef f(x: X) -> X: pass", "def f(x):\n    pass", id="function"),
        pytest.param("from a import X, y\ndef f(x: X): return y", "from a import y\n\ndef f(x):\n    return y", id="one of two"),
        pytest.param("from a import X\nasync def f(*x: X, **y: X) -> X: pass", "async def f(*x, **y):\n    pass", id="async, * and **"),
        pytest.param("from a import X\ndef f(x: list['X | None']): pass", "def f(x):\n    pass", id="quotes"),
        pytest.param("import a.b\ndef f(x: a.b.X): pass", "def f(x):\n    pass", id="module"),
        pytest.param("import a.b\ndef f(x: a.b.X): a.c", "import a.b\n\ndef f(x):\n    a.c", id="module that is used"),
        pytest.param("from a import X\ndef f(x: X): isinstance(x, X)", "from a import X\n\ndef f(x):\n    isinstance(x, X)", id="used"),
        pytest.param("from a import X as Y\ndef f(x: Y): pass", "def f(x):\n    pass", id="other name"),
        pytest.param("from a import X as X\ndef f(x: X): pass", "from a import X as X\n\ndef f(x):\n    pass", id="exported by as"),
        pytest.param("from a import X\n__all__ = ['X']\ndef f(x: X): 0", "from a import X\n__all__ = ['X']\n\ndef f(x):\n    0", id="__all__"),
        pytest.param("import effects\nfrom a import rules", "import effects\nfrom a import rules", id="imported for its effects"),
        pytest.param("from a import X\nx: X = 1\ny: X", "x = 1\npass", id="variables"),
        pytest.param("from a import X\nclass C:\n    x: X = 1", "class C:\n    x: X = 1", id="class: the annotation stays"),
        pytest.param("from a import X\nclass C:\n    def f(self, x: X): 0", "class C:\n\n    def f(self, x):\n        0", id="method"),
        pytest.param("from a import X\nclass C(X):\n    def f(self) -> X: 0", "from a import X\n\nclass C(X):\n\n    def f(self):\n        0", id="base"),
        pytest.param("from a import X\nclass C:\n    def f(self):\n        x: X = 1", "class C:\n\n    def f(self):\n        x = 1", id="local variable"),
        pytest.param("from a import X\ndef f(x: int = X): 0", "from a import X\n\ndef f(x=X):\n    0", id="default"),
        pytest.param("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nb", "pass\nb", id="block"),
        pytest.param("if TYPE_CHECKING:\n    import a\nelse:\n    b", "b", id="block with else"),
        pytest.param("class C:\n    if typing.TYPE_CHECKING:\n        x: X", "class C:\n    pass", id="block in a class"),
        pytest.param("from typing import TypeVar\nT = TypeVar('T')\ndef f(x: T) -> T: 0", "def f(x):\n    0", id="type variable"),
        pytest.param("from b import B\nfrom typing import TypeVar\nT = TypeVar('T', bound=B)\ndef f(x: T): 0", "def f(x):\n    0", id="bound"),
        pytest.param("from b import B\nfrom typing import TypeAlias\nA: TypeAlias = list[B]\nC: TypeAlias = list[A]", "", id="aliases"),
        pytest.param("from b import B\nA: TypeAlias = B\nA()", "from b import B\nA: TypeAlias = B\nA()", id="alias that is used"),
        pytest.param("T = TypedDict('T', {'x': int})\ndef f(**x: Unpack[T]): 0", "def f(**x):\n    0", id="typed dict"),
        pytest.param("@rule(A, 'b', title='T', why='w', fix='f', wrong='x', right='y', row='r')\ndef f(): 0", "@rule(A, 'b', title='T', fix='f')\ndef f():\n    0", id="texts of a code"),
        pytest.param("from e import x\n_A = x('')\n_B = 1\ndeclare('b', title='T', wrong=_A + x(_B))\n_B", "_B = 1\ndeclare('b', title='T')\n_B", id="examples"),
        pytest.param("from a import x\nf(why=x)", "from a import x\nf(why=x)", id="other calls"),
        pytest.param("from typing import Protocol\nclass P(Protocol):\n    x: int\ndef f(p: P): 0", "def f(p):\n    0", id="protocol"),
    ],
)  # fmt: skip
def test_taken_out(source: str, expected: str) -> None:
    assert stripped(source) == expected


def test_a_module_whose_annotations_are_evaluated_stays() -> None:
    tree = ast.parse("from a import X\ndef f(x: X): pass")
    before = ast.dump(tree)
    strip(tree)
    assert ast.dump(tree) == before


def test_tables_keep_what_their_fields_name() -> None:
    source = "from ignition_py.spec.model import Struct, field\nfrom a import X, Y\nclass S(Struct):\n    x: X = field('')\n    def f(self) -> Y: 0"
    assert "from a import X\n" in stripped(source)


def _bound(tree: ast.Module) -> set[str]:
    """Every name that a module has, wherever that is bound."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
    return names


def test_nothing_is_taken_out_that_another_module_imports() -> None:
    trees: dict[str, ast.Module] = {}
    for path in (*TREE.glob("ignition_py/**/*.py"), *TREE.glob("butane_py/**/*.py")):
        parts = path.relative_to(TREE).with_suffix("").parts
        tree = ast.parse(path.read_text())
        strip(tree)
        trees[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = tree
    bound = {name: _bound(tree) for name, tree in trees.items()}
    missing = [
        f"{name} imports {alias.name} from {node.module}"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in trees
        for alias in node.names
        if alias.name not in bound[node.module] and f"{node.module}.{alias.name}" not in trees
    ]
    assert not missing
