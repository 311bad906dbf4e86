"""The finder of the modules that an initramfs carries, and the files made of them."""

from __future__ import annotations
import __future__

import ast
import inspect
import json.decoder
import marshal
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from ignition_py.initrd import modules
from ignition_py.initrd.bundle import bundle, code_of
from ignition_py.initrd.modules import MissingModule, imports_of, modules_needed
from ignition_py.initrd.stage import bytecode, library_directory, relative_path, stage


def kinds(source: str, package: str = "pkg.sub", own: bool = False) -> dict[str, str]:
    return {item.name: item.how for item in imports_of(ast.parse(source), package, own)}


@pytest.mark.parametrize(
    ("source", "own", "expected"),
    [
        ("import a.b", False, {"a.b": "needed"}),
        ("from a import b", False, {"a": "needed", "a.b": "optional"}),
        ("from . import b", False, {"pkg.sub": "needed", "pkg.sub.b": "optional"}),
        ("from ..c import *", False, {"pkg.c": "needed"}),
        ("def f():\n    import a", False, {"a": "possible"}),
        ("def f():\n    import a", True, {"a": "needed"}),
        ("class C:\n    import a", False, {"a": "needed"}),
        ("if x:\n    import a\nelse:\n    import b", False, {"a": "possible", "b": "possible"}),
        ("try:\n    import a\nexcept ImportError:\n    import b", False, {"a": "optional", "b": "possible"}),
        ("try:\n    import a\nexcept (KeyError, ImportError):\n    pass", True, {"a": "optional"}),
        ("try:\n    import a\nexcept OSError:\n    pass", False, {"a": "needed"}),
        ("try:\n    import a\nfinally:\n    import b", False, {"a": "needed", "b": "needed"}),
        ("if TYPE_CHECKING:\n    import a", True, {}),
        ("if typing.TYPE_CHECKING:\n    import a\nelse:\n    import b", True, {"b": "needed"}),
        ("if not TYPE_CHECKING:\n    import a", True, {"a": "needed"}),
        ("if __name__ == '__main__':\n    import a", True, {}),
        ("if sys.platform == 'win32':\n    import a\nelse:\n    import b", False, {"b": "possible"}),
        ("if sys.platform != 'win32':\n    import a", False, {"a": "possible"}),
        ("with x:\n    import a\nfor y in z:\n    import b", False, {"a": "needed", "b": "needed"}),
    ],
)
def test_imports_are_classified(source: str, own: bool, expected: dict[str, str]) -> None:
    assert kinds(source, own=own) == expected


def package(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [str(root), *(entry for entry in sys.path if entry.endswith(("python3.11", "lib-dynload")))]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor of one package called `own`, beside nothing but its own imports."""
    monkeypatch.setattr(modules, "OWN", ("own",))
    monkeypatch.setattr(modules, "WHOLE", ("own",))
    monkeypatch.setattr(modules, "ALWAYS", ())
    monkeypatch.setattr(modules, "NOT_AT_BOOT", ("own.desk",))


@pytest.mark.usefixtures("small")
def test_everything_reachable_is_found(tmp_path: Path) -> None:
    path = package(tmp_path, {
        "own/__init__.py": "", "own/desk.py": "import nowhere",
        "own/byname/__init__.py": "", "own/byname/one.py": "def f():\n    import dep.deep",
        "dep/__init__.py": "try:\n    import absent\nexcept ImportError:\n    pass", "dep/deep.py": "", "dep/other.py": "",
    })
    found = [module.name for module in modules_needed(path)]
    assert found == ["dep", "dep.deep", "own", "own.byname", "own.byname.one"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import absent", "own imports absent, and this Python has no module of that name"),
        ("import urllib3", "own imports urllib3, and this Python has no module of that name; install what the executor needs: pip install"),
        ("def f():\n    import absent", "own imports absent, and this Python has no module of that name"),
        ("import dep", "dep imports absent, and this Python has no module of that name"),
        ("import own.desk", "own imports own.desk, which is not for the initramfs"),
    ],
)
def test_a_missing_module_is_an_error(tmp_path: Path, source: str, sentence: str) -> None:
    path = package(tmp_path, {"own/__init__.py": source, "own/desk.py": "", "dep.py": "import absent"})
    with pytest.raises(MissingModule, match=sentence):
        modules_needed(path)


def test_bytecode_is_what_the_interpreter_loads_without_a_source() -> None:
    data = bytecode(b'"""Docs."""\nassert False\nvalue = 42\n', "m.py")
    assert int.from_bytes(data[4:8], "little") == 1  # PEP 552: hash-based, unchecked
    scope: dict[str, object] = {}
    exec(marshal.loads(data[16:]), scope)
    assert scope["value"] == 42
    assert scope.get("__doc__") is None


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initramfs' files below `root`, and their prefix where they believe to be."""
    folder = tmp_path_factory.mktemp("staged")
    prefix = folder / "prefix"
    for source, target in stage(f"{folder}/root", str(prefix)):
        copy = Path(f"{folder}/root{target}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if copy.name == "python3":
            shutil.copy(source, copy)  # an interpreter looks for its library beside what a link leads to
        else:
            copy.symlink_to(source)
    prefix.symlink_to(f"{folder}/root{prefix}")
    return folder


def run_staged(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.subprocess
def test_staged_modules_are_enough_to_start(staged: Path) -> None:
    """The staged tree alone, under another prefix, can import every module of ours and say its version."""
    done = run_staged(f"{staged}/root/usr/bin/ignition", "-version")
    assert done.returncode == 0, done.stderr
    assert "Ignition 2." in done.stdout
    done = run_staged(f"{staged}/prefix/bin/python3", "-IS", f"{staged}/prefix/check.py")
    assert done.returncode == 0, done.stderr


@pytest.mark.subprocess
def test_modules_come_out_of_the_bundle(staged: Path) -> None:
    """Modules, packages, packages without a source and extension modules: each from where it is meant to be."""
    program = (staged / "prefix/check.py").read_text().partition("import importlib\n")[0] + (
        "import encodings, ignition_py.cli, ruamel.yaml.error, zlib, __future__ as f\n"
        "for m in (encodings, ignition_py, ignition_py.cli, sys.modules['ruamel'], f): print(m.__file__, m.__spec__.name)\n"
        "print(ignition_py.cli.__doc__, ignition_py.cli.main.__annotations__)\n"
        "try: import ignition_py.nothing\nexcept ModuleNotFoundError as error: print(error)\n"
    )
    done = run_staged(f"{staged}/prefix/bin/python3", "-IS", "-c", program.partition("\n")[2])
    prefix = f"{staged}/prefix"
    library = prefix + library_directory("")
    assert done.stdout.splitlines() == [
        f"{library}/encodings/__init__.pyc encodings",
        f"{prefix}/modules/ignition_py ignition_py",
        f"{prefix}/modules/ignition_py.cli ignition_py.cli",
        f"{prefix}/modules/ruamel ruamel",
        f"{prefix}/modules/__future__ __future__",
        "None {}",
        "No module named 'ignition_py.nothing'",
    ], done.stderr


def test_a_bundle_has_what_its_index_says() -> None:
    made = bundle([("a.b", False, b"from __future__ import annotations\nx: undefined = 1"), ("c", True, b"y = 2")])
    _, index = marshal.loads(made.data[: made.head])
    assert {name: entry[2] for name, entry in index.items()} == {"a.b": False, "c": True, "a": True}
    scope: dict[str, object] = {}
    offset, length, _ = index["a.b"]
    exec(marshal.loads(made.data[offset : offset + length]), scope)
    assert (scope["x"], scope["__annotations__"]) == (1, {"x": "undefined"})
    assert max(sum(entry[:2]) for entry in index.values()) == len(made.data)


def code_objects(code: types.CodeType) -> list[types.CodeType]:
    return [code, *(below for item in code.co_consts if isinstance(item, types.CodeType) for below in code_objects(item))]


@pytest.mark.parametrize("module", [inspect, json.decoder, modules], ids=lambda module: module.__name__)
def test_lines_survive_without_columns(module: types.ModuleType) -> None:
    """Every instruction keeps its line; the table gets smaller."""
    source = Path(str(module.__file__)).read_bytes()
    stripped = code_objects(code_of(source, "m.py"))
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    plain = code_objects(compile(tree, "m.py", "exec", __future__.annotations.compiler_flag, dont_inherit=True, optimize=2))
    for ours, theirs in zip(stripped, plain, strict=True):
        assert [line for line, *_ in ours.co_positions()] == [line for line, *_ in theirs.co_positions()]
        assert all(column is None for _, _, column, _ in ours.co_positions())
    assert sum(len(code.co_linetable) for code in stripped) < sum(len(code.co_linetable) for code in plain)


def test_relative_paths() -> None:
    module = modules.Module
    assert relative_path(module("a.b", "/x/a/b.py", None)) == "a/b.py"
    assert relative_path(module("a", "/x/a/__init__.py", ["/x/a"])) == "a/__init__.py"
    assert relative_path(module("_ssl", "/x/_ssl.cpython-311.so", None)) == "lib-dynload/_ssl.cpython-311.so"
    assert relative_path(module("a.c", "/x/a/c.abi3.so", None)) == "a/c.abi3.so"
