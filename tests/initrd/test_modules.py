"""The finder of the modules that an initramfs carries, and the files made of them."""

from __future__ import annotations

import ast
import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from ignition_py.initrd import modules
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


@pytest.mark.subprocess
def test_staged_modules_are_enough_to_start(tmp_path: Path) -> None:
    """The staged tree alone, under another prefix, can import every module of ours and say its version."""
    prefix = f"{tmp_path}/prefix"
    try:
        natives = stage(str(tmp_path), "/prefix")
    except MissingModule as error:
        pytest.fail(str(error))
    for source, target in natives:
        copy = tmp_path / target.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(source)
    library = str(tmp_path) + library_directory("/prefix")
    only = f"import sys; sys.path[:] = [{library!r}, {library + '/lib-dynload'!r}]; "
    program = only + "from ignition_py.cli import main; sys.argv = ['ignition', '-version']; sys.exit(main())"
    done = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Ignition 2." in done.stdout + done.stderr
    check = (tmp_path / "prefix/check.py").read_text().replace("'/prefix'", repr(prefix))
    done = subprocess.run([sys.executable, "-IS", "-c", only + check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_relative_paths() -> None:
    module = modules.Module
    assert relative_path(module("a.b", "/x/a/b.py", None)) == "a/b.py"
    assert relative_path(module("a", "/x/a/__init__.py", ["/x/a"])) == "a/__init__.py"
    assert relative_path(module("_ssl", "/x/_ssl.cpython-311.so", None)) == "lib-dynload/_ssl.cpython-311.so"
    assert relative_path(module("a.c", "/x/a/c.abi3.so", None)) == "a/c.abi3.so"
