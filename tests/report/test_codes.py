"""The catalogue of report codes: complete, and its examples do what they claim."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.deliver.ladder import Wish
from butane_py.deliver.recipients import choose
from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.outcomes import HostBuilder, Subject
from butane_py.fleet.program import Program, build_host
from butane_py.linter.settings import Settings
from butane_py.pipeline import compile_source
from butane_py.result import Result
from ignition_py.report.catalog import declare, load
from ignition_py.report.explain import document

ROOT = Path(__file__).parents[2]
CODES = load()
# Function -> position of the code among its arguments.
_CALLS = {"error": 0, "warning": 0, "LocalFileError": 0, "Finding": 1, "Entry": 1, "at_output": 2, "_unsupported": 2, "Forbidden": 2, "_failure": 0, "No": 0,
          "add": 1, "fail": 0}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The local files that examples name, and a file beside the files directory."""
    top = tmp_path_factory.mktemp("examples")
    files = top / "files"
    (files / "tree").mkdir(parents=True)
    (files / "pipes").mkdir()
    os.mkfifo(files / "pipes" / "pipe")
    (top / "secret").write_text("secret\n")
    (files / "a.txt").write_text("hello\n")
    (files / "tree" / "hello").write_text("hello\n")
    (files / "child.ign").write_text('{"ignition": {"version": "3.5.0"}}')
    (files / "random.bin").write_bytes(os.urandom(20_000))
    (files / "empty.pub").write_text("# no key\n")
    (files / "key.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me\n")
    (files / "outside").symlink_to("../secret")
    return str(files)


def _compiled(name: str, text: str, folder: str) -> Result:
    code = CODES[name]
    settings = Settings(ignore=tuple({"lint-no-login", "lint-old-version"} - {name})) if code.lint else None  # examples are parts of configs
    options = Options(folder if code.local else None, raw=code.raw, lint=code.lint, settings=settings, target=code.target)
    if code.inventory:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text)
        found = read_inventories([str(path)])
        return Result("{}" if found.hosts else None, found.report)
    if code.recipient:
        program = Program(f"{folder}/{name}.bu", code.example(text).encode(), options)
        (outcome,) = map(HostBuilder({"": program}, None, [], wish=Wish(choose(code.recipient))), [Subject("", "")])
        return Result(outcome.output, outcome.result.report)
    if code.build:
        return build_host(Program(f"{folder}/{name}.bu", code.example(text).encode(), options), {})
    return compile_source(code.example(text).encode(), name, options)


@pytest.mark.parametrize("name", [name for name, code in CODES.items() if code.wrong])
def test_wrong_example_gets_the_code(name: str, folder: str) -> None:
    report = _compiled(name, CODES[name].wrong, folder).report
    severities = {entry.severity for entry in report if entry.code == name}
    assert severities
    assert [entry.raw() for entry in report if not entry.hint] == []  # each report says the way out
    assert CODES[name].lint or CODES[name].severity in severities  # a rule of the linter may grade what it finds


@pytest.mark.parametrize("name", [name for name, code in CODES.items() if code.wrong])
def test_right_example_gets_no_report(name: str, folder: str) -> None:
    result = _compiled(name, CODES[name].right, folder)
    assert [entry.raw() for entry in result.report] == []
    assert result.output


def _used() -> Iterator[tuple[str, str]]:
    """(code, file) of every report that the sources make."""
    for path in [*ROOT.glob("butane_py/**/*.py"), *ROOT.glob("ignition_py/spec/rules/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            position = _CALLS.get(function)
            if position is None or len(node.args) <= position:
                continue
            argument = node.args[position]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value, path.name


def test_every_code_of_the_source_is_in_the_catalogue() -> None:
    used = dict(_used())
    assert len(used) > 100
    assert {code: file for code, file in used.items() if code not in CODES and " " not in code} == {}


def test_every_code_of_the_catalogue_is_reported() -> None:
    """A code stands in the source where it is declared, and where it is reported; a rule of the linter is both."""
    text = "".join(path.read_text(encoding="utf-8") for folder in ("butane_py", "ignition_py") for path in (ROOT / folder).glob("**/*.py"))
    assert [name for name, code in CODES.items() if text.count(f'"{name}"') < (1 if code.lint else 2)] == []


@pytest.mark.parametrize("name", CODES)
def test_texts_say_what_why_and_how_to_fix_it(name: str) -> None:
    code = CODES[name]
    assert not code.title[0].islower() or code.title.split()[0] in ("overwrite", "wipe_table", "versionId", "https", "with_mount_unit")
    assert not code.title.endswith(".")
    for text in (code.why, code.fix):
        assert len(text) > 9 and text.rstrip(")\"`").endswith("."), text
    assert bool(code.wrong) == bool(code.right)


# Codes of what no text of a config alone can show.
_WITHOUT_EXAMPLE = {
    *("import-differs", "import-kind", "import-lost", "import-template", "import-unknown-key", "import-value"),  # of a cloud-config
    "input-file", "internal", "output-file", "publish", "schema", "json-syntax", "newer-field", "no-files-at-boot", "source-map-inline", "special-bits", "lint-settings", "lint-unit-verify",
    "target-missing",
    "virtiofs-tag-long", "virtiofs-uuid", "virtiofs-wipe", "virtiofs-options", "virtiofs-label",
    "host-unknown", "inventory-folder", "lint-variable", "vars-file", "encrypted-file", "secret-not-for-tang", "secret-not-split",  # of several files, or of the command line
    "include-cycle", "include-deep", "include-newer", "include-variant", "include-section", "var-conflict", "var-not-unique", "var-unknown",  # several files or hosts
    "lint-include-replaces", "secret-unmarked",
    "pxe-key-missing", "pxe-key", "pxe-key-twice", "pxe-name", "pxe-arguments", "pxe-config",  # of a build's folder
}  # fmt: skip


def test_every_other_code_has_examples() -> None:
    assert {name for name, code in CODES.items() if not code.wrong} == _WITHOUT_EXAMPLE


def test_the_document_is_in_step() -> None:
    text = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    assert text == document(CODES.values()), "run tools/codes.py"


def test_a_consequence_is_not_reported_twice() -> None:
    text = b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      mode: 644\n    - path: /b\n      mode: 04755\n"
    codes = [(entry.code, entry.place.line) for entry in compile_source(text, "a.bu", Options()).report]
    assert codes == [("mode-decimal", 6), ("mode-special-bits", 8)]


def test_a_code_is_declared_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        declare("path-missing", title="A path is missing", why="x")
