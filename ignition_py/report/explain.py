"""The catalogue for people: an entry as text, the list of all codes, an entry as data, and docs/codes.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ignition_py.report.catalog import Code
from ignition_py.report.diag import ERROR

WIDTH = 100  # columns of the text


def explained(code: Code) -> str:
    """An entry as text for a terminal."""
    from textwrap import fill, indent

    parts = [f"{code.name}: {code.title}\n", f"{_facts(code)}\n", fill(code.why, WIDTH) + "\n"]
    if code.fix:
        parts.append(fill(f"To fix it: {code.fix}", WIDTH) + "\n")
    if code.wrong:
        flags = f" with {' '.join(code.flags)}" if code.flags else ""
        parts.append(f"Reported{flags}:\n\n{indent(code.example(code.wrong), '    ')}")
        parts.append(f"Not reported:\n\n{indent(code.example(code.right), '    ')}")
    return "\n".join(parts)


def _facts(code: Code) -> str:
    """Whether it is an error, and since when it is reported."""
    kind = "an error: nothing is written" if code.severity == ERROR else "a warning: the config is usable"
    since = f", from {code.since} on" if code.since else ""
    lint = ", with --lint only" if code.lint else ""
    return f"This is {kind}{since}{lint}."


def listed(codes: Iterable[Code]) -> str:
    """A line for each code, by name."""
    entries = sorted(codes, key=lambda code: code.name)
    width = max(len(code.name) for code in entries)
    return "".join(f"{code.name:<{width}}  {code.title}\n" for code in entries)


def as_data(code: Code) -> dict[str, Any]:
    """An entry as plain data, for `--format json`."""
    return {
        "code": code.name,
        "severity": code.severity,
        "title": code.title,
        "why": code.why,
        "fix": code.fix or None,
        "since": code.since or None,
        "flags": code.flags,
        "wrong": code.example(code.wrong) or None,
        "right": code.example(code.right) or None,
    }


def closest(name: str, codes: Iterable[str]) -> str:
    """The end of the sentence that there is no code `name`: similar names, if any."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(codes), 3)
    return f"there is no code {name!r}" + (f"; did you mean {', '.join(close)}?" if close else "; --list lists all")


def markdown(code: Code) -> str:
    """An entry with its examples as Markdown: for SARIF."""
    text = f"{code.why}\n\n**How to fix it:** {code.fix}\n" if code.fix else f"{code.why}\n"
    if code.wrong:
        text += f"\nReported:\n\n```yaml\n{code.example(code.wrong)}```\n\nNot reported:\n\n```yaml\n{code.example(code.right)}```\n"
    return text


def document(codes: Iterable[Code]) -> str:
    """docs/codes.md. tools/codes.py writes it; do not edit it by hand."""
    entries = sorted(codes, key=lambda code: (code.lint, code.name))
    index = "".join(f"| [{code.name}](#{code.name}) | {code.severity} | {code.title} |\n" for code in entries)
    sections = [f"## {code.name}\n\n**{code.title}.** {_facts(code)}\n\n{markdown(code)}" for code in entries]
    return f"{_HEAD}\n| code | severity | what is wrong |\n| --- | --- | --- |\n{index}\n" + "\n".join(sections)


_HEAD = """# Codes of reports

Each report of `butane-py` and `ignition-py` has a code that does not change between releases. `butane-py explain CODE` and
`ignition-py explain CODE` print an entry of this page; `--format json` and `--format sarif` carry the codes.
This page is generated from the catalogue by `tools/codes.py`.
"""
