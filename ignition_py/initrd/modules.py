"""Which Python modules the executor can import: the list that an initramfs has to carry.

Called by `ignition_py.initrd.stage` when an image is built. Sources are parsed, not imported, so that an import behind
an `if` or inside a function is found too. An import statement is one of three kinds:

- *needed*: it runs whenever its module is imported, or it stands anywhere in our own packages. Not finding its target
  is an error now, so that it is none at boot.
- *possible*: inside a function or an `if` of the standard library or of a dependency. It is carried where it exists,
  except for what `UNREACHABLE` names, with the reason why no run of the executor needs it.
  Where a dependency would not load without it, `stand_ins.py` has a few lines in its place.
- *optional*: inside `try: ... except ImportError:`. Its author has provided for its absence.

What stands under `if TYPE_CHECKING:`, `if __name__ == "__main__":` or a test for Windows is not looked at, nor what only the
annotations of our own modules need (`strip.py`).
"""

from __future__ import annotations

import ast
import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator

from ignition_py.initrd.stand_ins import STAND_INS
from ignition_py.initrd.strip import strip
from ignition_py.record import Record

OWN = ("ignition_py", "butane_py")
# Everything in it is carried, since providers and stages are imported by computed names; of the compiler what is imported.
WHOLE = ("ignition_py",)
# Parts of our own packages that run when images are built or on a desk. What runs at boot must not import them.
NOT_AT_BOOT = (
    "ignition_py.check",
    "ignition_py.initrd",
    *(
        f"ignition_py.programs.{name}"
        for name in ("analyze", "apply", "check", "cli", "collect_logs", "commands", "convert", "explain", "fetch", "initrd",
                     "machine_config", "plan", "plan_images", "plan_svg", "plan_text",
                     "plan_view", "receive", "rehearse", "render", "sizes", "status", "validate")
    ),
    "ignition_py.receiver",
    "ignition_py.rehearsal",
    *(
        f"butane_py.{name}"
        for name in ("__main__", "builders", "cli", "config", "decompiler", "importer", "library", "linter", "mappings", "published",
                     "schemas", "targets", "upgrader")
    ),
)  # fmt: skip
# Imported by the interpreter, by C code or by a computed name, so that no import statement tells.
IMPLIED: dict[str, tuple[str, ...]] = {
    "encodings": (
        "encodings.aliases", "encodings.ascii", "encodings.utf_8", "encodings.latin_1",
        "encodings.idna",  # socket.getaddrinfo and http.client encode host names with it
        "encodings.utf_16", "encodings.utf_16_le", "encodings.utf_16_be",  # names in a GPT; byte order marks
        "encodings.utf_8_sig",
    ),
    "_decimal": ("collections", "numbers"),
    "time": ("_strptime",),  # time.strptime
    "datetime": ("_strptime",),
    "warnings": ("linecache",),  # how a warning is shown
    "requests": ("idna",),  # requests.packages: __import__(package)
    "os": ("posixpath",),
    "six": ("http.client", "queue", "urllib.parse", "io"),  # what urllib3 asks six.moves for
}
# Names that exist only once the module above them has run.
MADE_AT_RUN_TIME = ("collections.abc", "os.path", "six.moves", "urllib3.packages.six.moves")
# The interpreter imports or looks for these before any of our code runs. `os` is how it recognises its library.
ALWAYS = ("encodings", "os", "warnings", "traceback", "io", "abc")
# Modules that no boot imports. A name stands for the module and everything below it.
UNREACHABLE: dict[str, str] = {
    "_pydecimal": "decimal falls back to it only where _decimal is missing",
    "_pydatetime": "datetime falls back to it only where _datetime is missing",
    "_pyio": "io is written in C",
    "_testcapi": "CPython's own tests",
    "argparse": "command lines of stdlib modules run as programs",
    "asyncio": "no coroutines; reached through unittest and concurrent.futures",
    "bdb": "debugger",
    "backports.zstd": "see brotli",
    "brotli": "encodings of a response that urllib3 decodes; responses are asked for as they are",
    "brotlicffi": "see brotli",
    "butane_py.targets": "configs for other systems are written at a desk; a boot compiles for its own",
    "bz2": "kinds of archives that shutil and zipfile know; the languages have gzip alone",
    "chardet": "requests takes charset_normalizer where this is missing",
    "cgi": "old web server support",
    "cmd": "debugger",
    "code": "interactive console",
    "codeop": "interactive console",
    "compression": "see brotli",
    "concurrent.futures.process": "process pools; threads are used",
    "cryptography": "requests compares its version where urllib3.contrib.pyopenssl is used",
    "curses": "terminal screens",
    "dbm": "data base files",
    "difflib": "differences as text, for tests and pdb",
    "distutils": "building packages",
    "doctest": "tests in docstrings",
    "email.policy": "what email.message.EmailMessage wants; http.client makes messages of the older kind",
    "ensurepip": "installing pip",
    "ftplib": "urllib.request opens ftp:// with it; the languages have no such URLs",
    "gettext": "argparse and optparse translate their messages with it",
    "getopt": "command lines of stdlib modules run as programs",
    "getpass": "asks a person for a password",
    "html": "error pages of http.server",
    "http.server": "a web server; xmlrpc and pydoc use it",
    "idlelib": "an editor",
    "importlib._bootstrap": "part of the interpreter, under the name _frozen_importlib",
    "importlib._bootstrap_external": "part of the interpreter, under the name _frozen_importlib_external",
    "jsonschema": "says what is wrong with a compiler's output; at boot it is enough to know that something is",
    "lib2to3": "rewriting Python 2",
    "lzma": "see bz2",
    "msilib": "Windows",
    "multiprocessing": "processes; the executor starts programs through subprocess",
    "nturl2path": "Windows",
    "optparse": "command lines of stdlib modules run as programs",
    "pdb": "debugger",
    "pickle": "logging sends records to other processes with it",
    "pip": "installing packages",
    "plistlib": "platform reads macOS's version with it",
    "pprint": "pretty printing of objects, for tests and debuggers",
    "profile": "profiler",
    "pydoc": "the help browser",
    "pydoc_data": "the help browser",
    "pyzstd": "see brotli",
    "readline": "line editing on a terminal",
    "rlcompleter": "line editing on a terminal",
    "setuptools": "building packages",
    "simplejson": "requests takes json where this is missing",
    "smtplib": "mail handlers of logging.handlers",
    "socketserver": "servers",
    "sqlite3": "data base",
    "statistics": "random's self test",
    "sysconfig": "how the interpreter was built",
    "tarfile": "see bz2",
    "test": "CPython's own tests",
    "tkinter": "windows on a screen",
    "tracemalloc": "where memory was taken, in a developer's warnings",
    "turtle": "windows on a screen",
    "unittest": "tests",
    "urllib3.contrib.appengine": "Google's old platform",
    "urllib3.contrib.emscripten": "Python in a browser",
    "urllib3.contrib.pyopenssl": "Python's own ssl module is used",
    "urllib3.contrib.securetransport": "macOS",
    "urllib3.contrib.socks": "SOCKS proxies; the languages have http and https ones",
    "wave": "sound",
    "webbrowser": "starts a browser",
    "winreg": "Windows",
    "wsgiref": "a web server",
    "xml.dom": "trees of XML; the properties of a VMware machine are read by xml.parsers.expat",
    "xml.etree": "see xml.dom",
    "xml.sax": "see xml.dom",
    "xmlrpc": "remote procedure calls",
    "zstandard": "see brotli",
}
_WINDOWS = frozenset(("_mswindows", "_WIN32", "MS_WINDOWS"))


_WAY_OUT = "; install what the executor needs: pip install 'ignition-py[executor]', or '.[executor]' in a clone"
_EXTRA = dict.fromkeys(("parted", "requests", "urllib3"), _WAY_OUT)  # pyproject.toml, optional dependencies


class MissingModule(Exception):
    """A module that the executor could import cannot be found; the message names it and who imports it."""


class Module(Record):
    """One module to carry.

    `path` is its source (.py) or extension module (.so); it is None for a module that is part of the interpreter's
    binary, for a namespace package and for what has a stand-in. `search` lists a package's directories and is None for a plain module.
    """

    name: str
    path: str | None
    search: list[str] | None


class Import(Record):
    """A dotted name that an import statement may load; `how` is "needed", "possible" or "optional"."""

    name: str
    how: str


def imports_of(tree: ast.Module, package: str, own: bool) -> Iterator[Import]:
    """Every import statement in `tree`, a module of `package` (for relative imports)."""
    yield from _walk(tree.body, package, "needed", own)


def _walk(nodes: Iterable[ast.AST], package: str, how: str, own: bool) -> Iterator[Import]:
    conditional = how if own or how == "optional" else "possible"
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, how)
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, package, how)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _walk(ast.iter_child_nodes(node), package, conditional, own)
        elif isinstance(node, ast.If):
            if not _never_true(node.test):
                yield from _walk(node.body, package, conditional, own)
            yield from _walk(node.orelse, package, conditional, own)
        elif isinstance(node, ast.Try):
            inner = "optional" if any(_catches_import_error(handler) for handler in node.handlers) else how
            yield from _walk(node.body, package, inner, own)
            for part in (node.handlers, node.orelse, node.finalbody):
                yield from _walk(part, package, conditional if part is node.handlers else inner, own)
        else:
            yield from _walk(ast.iter_child_nodes(node), package, how, own)


def _from(node: ast.ImportFrom, package: str, how: str) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join(parts[: len(parts) - node.level + 1] + ([node.module] if node.module else []))
    yield Import(base, how)
    for alias in node.names:
        if alias.name != "*":
            yield Import(f"{base}.{alias.name}", "optional")  # a submodule, or just a name in `base`


def _never_true(test: ast.expr) -> bool:
    """True if no boot enters this `if`: type checking, run as a program, Windows."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name == "TYPE_CHECKING" or name in _WINDOWS:
                return not isinstance(test, ast.UnaryOp)
        if isinstance(node, ast.Constant) and node.value in ("__main__", "win32", "nt", "darwin", "java", "cygwin"):
            return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)
    return False


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    return handler.type is None or bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Finder:
    """Finds modules the way this interpreter would, without importing any of them; those that have a stand-in, as that."""

    def __init__(self, path: list[str] | None = None) -> None:
        self._path = sys.path if path is None else path
        self._known: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """The module called `name`, or None where there is none."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Module | None:
        if name in sys.builtin_module_names or name in STAND_INS:
            return Module(name, None, None)
        parent, _, _ = name.rpartition(".")
        where: list[str] | None = self._path
        if parent:
            above = self.find(parent)
            where = above.search if above is not None else None
            if where is None:
                return None
        spec = importlib.machinery.PathFinder.find_spec(name, where)
        if spec is None:
            return None
        search = spec.submodule_search_locations
        return Module(name, spec.origin if spec.has_location else None, None if search is None else list(search))


def _submodules(module: Module) -> Iterator[str]:
    """Names of everything below a package of our own: providers and stages are imported by computed names."""
    for directory in module.search or ():
        for entry in sorted(os.scandir(directory), key=lambda item: item.name):
            if entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py")):
                yield f"{module.name}.{entry.name}"
            elif entry.name.endswith(".py") and entry.name != "__init__.py":
                yield f"{module.name}.{entry.name[:-3]}"


def is_own(name: str) -> bool:
    """True if a module is one of ours."""
    return _below(name, OWN)


def _below(name: str, roots: Iterable[str]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


class _Closure:
    """Modules found so far: first `follow()` what must be there, then `complete()` it with what may be."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder
        self.found: dict[str, Module] = {}
        self._postponed: list[tuple[str, str]] = []

    def follow(self, names: Iterable[str]) -> None:
        """Adds what must be there: `names` and what is needed by them, and so on. Raises MissingModule."""
        queue = [(name, "the executor") for name in names]
        while queue:
            name, importer = queue.pop()
            name = self._existing(name)
            if self._skipped(name):
                continue
            if _below(name, NOT_AT_BOOT):
                raise MissingModule(f"{importer} imports {name}, which is not for the initramfs (NOT_AT_BOOT)")
            module = self.finder.find(name)
            if module is None:
                raise MissingModule(f"{importer} imports {name}, and this Python has no module of that name{_EXTRA.get(name, '')}")
            for item in self._enter(module):
                (queue if item.how == "needed" else self._postponed).append((item.name, name))

    def complete(self) -> None:
        """Adds what may be used where it exists: the possible and optional imports, and what those lead to."""
        queue = [name for name, _ in self._postponed]
        while queue:
            name = self._existing(queue.pop())
            module = None if self._skipped(name) or _below(name, NOT_AT_BOOT) else self.finder.find(name)
            if module is not None:
                queue.extend(item.name for item in self._enter(module))

    def _existing(self, name: str) -> str:
        """The module to look for when `name` is made by that module at run time: versions of Python differ in this."""
        while _below(name, MADE_AT_RUN_TIME) and self.finder.find(name) is None:
            name = name.rpartition(".")[0]
        return name

    def _skipped(self, name: str) -> bool:
        return name in self.found or _below(name, UNREACHABLE)

    def _enter(self, module: Module) -> Iterator[Import]:
        """Notes a module; yields what it imports and the package above it."""
        self.found[module.name] = module
        above = module.name.rpartition(".")[0]
        if above:
            yield Import(above, "needed")
        for implied in IMPLIED.get(module.name, ()):
            yield Import(implied, "needed")
        if _below(module.name, WHOLE) and module.search is not None:
            for name in _submodules(module):
                if not _below(name, NOT_AT_BOOT):
                    yield Import(name, "needed")
        if module.path is not None and module.path.endswith(".py"):
            with open(module.path, "rb") as file:
                tree = ast.parse(file.read(), module.path)
            package = module.name if module.search is not None else above
            if is_own(module.name):
                strip(tree)
            yield from imports_of(tree, package, is_own(module.name))


def modules_needed(path: list[str] | None = None) -> list[Module]:
    """Every module that the executor could import and that has a file, sorted by name.

    `path` replaces `sys.path`. Raises MissingModule.
    """
    closure = _Closure(Finder(path))
    closure.follow((*WHOLE, *ALWAYS))
    closure.complete()
    return [closure.found[name] for name in sorted(closure.found) if closure.found[name].path is not None]
