"""What tests of lint rules share: a config linted, and what it got."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Any

from butane_py.compilation import Options
from butane_py.linter.settings import Settings
from butane_py.pipeline import compile_source
from ignition_py.report.diag import Entry

HEAD = "variant: fcos\nversion: 1.7.0\n"
ALWAYS = ("lint-no-login", "lint-old-version")  # what parts of configs get


def entries(text: str, files: Path | None = None, *, select: tuple[str, ...] = (), **settings: Any) -> list[Entry]:
    """Reports of the linter on a config, with a head if it has none, but those of `ALWAYS` unless they are selected."""
    whole = text if text.startswith(("variant:", "#")) else HEAD + text
    ignore = tuple(name for name in ALWAYS if name not in select) + tuple(settings.pop("ignore", ()))
    options = Options(str(files) if files else None, lint=True, settings=Settings(select, ignore, **settings))
    result = compile_source(whole.encode("utf-8", "surrogateescape"), "config.bu", options)
    assert result.output is not None, [entry.raw() for entry in result.report]
    return [entry for entry in result.report if entry.code.startswith("lint-")]


def codes(text: str, files: Path | None = None, *, select: tuple[str, ...] = (), **settings: Any) -> list[str]:
    return [entry.code for entry in entries(text, files, select=select, **settings)]


def unit(name: str, text: str, *, enabled: bool | None = True) -> str:
    """A config of one unit."""
    return "systemd:\n  units:\n" + one_unit(name, text, enabled=enabled)


def one_unit(name: str, text: str, *, enabled: bool | None = True) -> str:
    """An entry of systemd.units."""
    line = f"      enabled: {str(enabled).lower()}\n" if enabled is not None else ""
    contents = f"      contents: |\n{indent(text.rstrip() + chr(10), '        ')}" if text else ""
    return f"    - name: {name}\n{line}{contents}"


def file(path: str, text: str, *more: str) -> str:
    """A config of one file."""
    lines = "".join(f"      {line}\n" for line in more)
    return f"storage:\n  files:\n    - path: {path}\n{lines}      contents:\n        inline: |\n{indent(text.rstrip() + chr(10), '          ')}"
