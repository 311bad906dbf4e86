"""Regular expressions in an image: those of its modules are compiled when it is built, others when they are asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ignition_py.initrd.patterns import COMPILER, FULL, with_patterns
from tests.helpers.bundle import Executor

pytestmark = pytest.mark.subprocess

PROGRAM = r"""
import sys, re, requests, email.feedparser
from urllib3.util import url
assert "re._full_compiler" not in sys.modules, "something was compiled"
parts = url.parse_url("http://[fe80::1%25eth0]:81/a%2fb?q#f")
assert (parts.host, parts.port, parts.path) == ("[fe80::1%eth0]", 81, "/a%2Fb"), parts
assert email.feedparser.headerRE.match("Name: x") and not email.feedparser.headerRE.match("no header")
own = re.compile(r"(?P<a>x+)(y)?", re.IGNORECASE)
assert own.fullmatch("XxY")["a"] == "Xx" and own.groups == 2
assert "re._full_compiler" in sys.modules
try:
    re.compile("(")
except re.error as error:
    assert "missing )" in str(error)
else:
    raise AssertionError("it was compiled")
"""


def test_patterns_of_modules_are_there(tmp_path: Path) -> None:
    program = Executor(tmp_path / "executor").program(tmp_path / "program", PROGRAM)
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_noted_pattern_is_the_same_as_when_it_is_compiled() -> None:
    modules = with_patterns([(COMPILER, False, b"")], ["json.decoder", "email.feedparser", "string"])
    source = {name: text for name, _, text in modules}
    assert source[FULL] == b""
    scope: dict[str, object] = {}
    exec(source[COMPILER], scope)
    import re

    found = scope["_FOUND"]
    assert isinstance(found, dict)
    assert len(found) > 10
    for pattern, flags in found:
        mine, own = scope["compile"](pattern, flags), re.compile(pattern, flags)  # type: ignore[operator]
        assert (mine, mine.groups, mine.groupindex, mine.flags) == (own, own.groups, own.groupindex, own.flags)


def test_an_interpreter_without_that_module_keeps_its_own() -> None:
    modules = [("re", False, b"x")]
    assert with_patterns(modules, []) == modules
