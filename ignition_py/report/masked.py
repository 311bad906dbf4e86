"""A source text with its secrets masked, for the lines that a report shows: CI systems keep them, and show them to many.

By the names of fields alone, so that a text that is no YAML or JSON is masked too. Every character keeps its column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_KEY = re.compile(r"""(?<![\w.-])(["']?)([A-Za-z_][\w-]*)\1[ \t]*:(?=[\s"'\[{|>]|$)[ \t]*""")
_LIKE = re.compile("passw|secret|token", re.IGNORECASE)  # names of other languages
_CLOSE_ENOUGH = 0.75  # of a misspelled name, by difflib's ratio
_SECTION = re.compile(r"""\{?\s*["']?(?:merge|replace)\b""")  # what `config` is elsewhere: no value, but a section
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'', re.DOTALL)
_FLOW_SCALAR = re.compile(r"[^,\]}\n]*")
_OPEN, _CLOSE = "[{", "]}"
_MASKS = ("*", "·", "…", "\U0001d7ce")  # by the bytes that a character takes, which columns of JSON count


def masked(text: str, fields: Mapping[str, bool]) -> str:
    """`text` with the values of secret fields masked; of URLs what is secret about them. `fields`: name -> True for a secret one."""
    known = dict(fields)
    out, done = [], 0
    for found in _KEY.finditer(text):
        name = found[2]
        if found.start() < done:
            continue
        if name not in known:
            known[name] = _may_be_secret(name, [each for each, secret in fields.items() if secret])
        if known[name]:
            start, end = found.end(), _end_of_value(text, found)
            out += [text[done:start], _mask(text[start:end])]
            done = end
    return "".join([*out, text[done:]])


def _may_be_secret(name: str, secret: Collection[str]) -> bool:
    """True for a name that no language has, where it is like a secret one, perhaps misspelled."""
    from difflib import get_close_matches

    return bool(_LIKE.search(name) or get_close_matches(name, secret, 1, _CLOSE_ENOUGH))


def _end_of_value(text: str, key: re.Match[str]) -> int:
    """Where the value behind a key ends: what is quoted, in brackets, in the rest of the line and in lines further in."""
    start = key.end()
    if _SECTION.match(text, start):
        return start
    quoted = _QUOTED.match(text, start)
    if quoted:
        return quoted.end()
    first = text[start : start + 1]
    if first and first in _OPEN:
        return _end_of_brackets(text, start)
    before = text[text.rfind("\n", 0, key.start()) + 1 : key.start()]
    in_flow = any(before.count(mark) > before.count(close) for mark, close in zip(_OPEN, _CLOSE, strict=True))
    if in_flow and first not in ("'", '"'):
        flow = _FLOW_SCALAR.match(text, start)
        return flow.end() if flow else start
    return _end_of_block(text, start, len(before))


def _end_of_brackets(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] in _OPEN) - (text[index] in _CLOSE)
        if depth == 0:
            return index + 1
    return len(text)


def _end_of_block(text: str, start: int, column: int) -> int:
    """The end of the line, and of the lines behind it that are further in than the key at `column`, or items of its list."""
    end = _end_of_line(text, start)
    while end < len(text):
        line = text[end + 1 : _end_of_line(text, end + 1)]
        indent = len(line) - len(line.lstrip(" "))
        if line.strip() and indent <= column and not (indent == column and line.lstrip().startswith("- ")):
            break
        end += 1 + len(line)
    return end


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


_PUBLIC = re.compile(r"""["']?(?:data:[^,\s]*,|[A-Za-z][\w+.-]*://(?![^/?#\s]*@)[^?#\s"'{]*|[A-Za-z][\w+.-]*://)|["']?/[^?#@\s"'{]*""")


# The names of variables and filters in a config of `butane-py build` or in a template; texts in quotes may be secrets.
_REFERENCE = re.compile(r"""(\$?\{\{[^"'{}\n]*\}\})""")


def _mask(value: str) -> str:
    """A value with a mask in place of every character, but for white space, references, and what is public about a URL."""
    url = _PUBLIC.match(value)
    shown = url.group() if url else ""
    parts = _REFERENCE.split(value[len(shown) :])
    return shown + "".join(part if number % 2 else _masks(part) for number, part in enumerate(parts))


def _masks(text: str) -> str:
    return "".join(
        char if char.isspace() or char in "\"'|>" else _MASKS[len(char.encode("utf-8", "replace")) - 1] for char in text
    )
