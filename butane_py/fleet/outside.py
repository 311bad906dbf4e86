"""What the command line gives to every host (--vars FILE, --env PREFIX, --var NAME=VALUE, in rising precedence), and what programs give."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from butane_py.fleet import values
from butane_py.fleet.encrypted.reading import read_document
from butane_py.fleet.inventory.document import (
    STDIN,
    Document,
    is_null,
    pairs,
    read_bytes,
    refused,
    repeated,
    target,
)
from butane_py.fleet.inventory.model import Given, Known, Variables
from butane_py.fleet.values import Layer, of_data, of_text
from butane_py.yaml.source import MAPPING, SCALAR
from ignition_py.report.catalog import declare
from ignition_py.report.diag import Place, Related

declare(
    "vars-file",
    title="A file of variables cannot be read",
    why="The file of --vars is not there, is neither YAML nor JSON, or is not a mapping of names to values. Nothing is built.",
    fix="Correct the file: NAME: VALUE, a line each.",
)


class WordError(ValueError):
    """A word of the command line is not NAME=VALUE."""


def of_file(path: str) -> tuple[Variables, Document]:
    """The variables of a YAML or JSON file (`-`: standard input), plain or encrypted by age or sops, and the file. Raises ConfigError."""
    document = read_document("<stdin>" if path == STDIN else path, read_bytes(path, "vars-file"), "vars-file")
    if document.root is None or is_null(document.root):
        return {}, document
    root = target(document.root)
    if root.kind != MAPPING:
        raise refused(document.error("vars-file", "a file of variables is a mapping of names to values", root))
    for key, first in repeated(root):
        related = (Related("first given here", document.at(first)),)
        raise refused(document.error("vars-file", f"{key.value} is given twice", key, "remove one of them", related))
    layer = Layer(values.FILE, document.name)
    found: Variables = {}
    for key, value in pairs(root):
        if key.kind != SCALAR:
            raise refused(document.error("vars-file", "the name of a variable is a text", key))
        found[key.value] = [Given(value, document, layer, secret=document.secret, code="vars-file")]
    return found, document


def of_environment(prefix: str, environment: Mapping[str, str] | None = None) -> Variables:
    """The variables of the environment whose names begin with the prefix, without it."""
    found: Variables = {}
    for name, text in (os.environ if environment is None else environment).items():
        if name.startswith(prefix) and name != prefix:
            place = Place((), source=f"environment variable {name}")
            found[name[len(prefix) :]] = [Known(of_text(text, place, Layer(values.ENV, prefix)))]
    return found


def of_words(words: Iterable[str]) -> Variables:
    """The variables of NAME=VALUE words; the last of one name counts. Raises WordError for a word that is none."""
    found: Variables = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise WordError(f"{word!r} is not NAME=VALUE")
        value = of_text(text, Place((), source=f"--var {name}"), Layer(values.VAR))
        found.setdefault(name, []).append(Known(value))
    return found


def of_mapping(given: Mapping[str, Any], called: str, *, secret: bool = False) -> Variables:
    """The values that a program gives, each with the place `called['NAME']`. Raises TypeError for what no JSON could have."""
    found: Variables = {}
    for name, value in given.items():
        place = Place((), source=f"{called}[{name!r}]")
        found[name] = [Known(of_data(value, place, Layer(values.VAR), secret=secret))]
    return found
