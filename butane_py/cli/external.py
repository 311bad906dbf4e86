"""`butane-py external`: the protocol of Terraform's data source `external`, which any program can speak.

A JSON object of strings on standard input, one on standard output and exit status 0; or a message on standard error and another status.
Source: the documentation of `external` of the provider hashicorp/external.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from butane_py.compilation import Options
from butane_py.fleet.include import may_exist
from butane_py.fleet.texts import Text
from butane_py.integrations.handover import hand_over
from ignition_py.goflags import FALSE, TRUE
from ignition_py.programs.commands import command, did_you_mean
from ignition_py.report.diag import IgnitionError
from ignition_py.system.streams import read_stdin, say, write_stdout

CONTENT, SOURCE = "content", "source"
REFUSE, INLINE = "refuse", "inline"


class QueryError(IgnitionError):
    """What stands on standard input is no query."""


@command(
    "external",
    example='echo \'{"source": "node.bu", "vars": "{\\"hostname\\": \\"n1\\"}"}\' | butane-py external',
    statuses={0: "answered", 1: "refused: errors in the query or the config, with strict warnings too", 2: "wrong usage"},
)
def run() -> int:
    """Answer one query of Terraform's data source `external`: a config on standard input, its Ignition config on standard output.

    The query is a JSON object of strings: source (a file) or content (its text); vars and secret_vars (JSON objects), snippets (a JSON
    list of texts), files_dir, strict and pretty_print (true or false), for (a platform), secrets (inline or refuse, the default). The
    answer has rendered, sha512 and bytes of it, user_data (rendered in the first form that the platform takes) and warnings.
    """
    query = _query(read_stdin())
    text = _text(query)
    inline = query.choice("secrets", (REFUSE, INLINE)) == INLINE
    secrets = INLINE if inline else ""
    made = hand_over(text, strict=query.flag("strict"), marked=inline, recipient=query.text("for"), secrets=secrets)
    say(made.pretty())
    if made.output is None:
        return 1
    data = made.output.encode()
    answer = {
        "rendered": made.output,
        "sha512": hashlib.sha512(data).hexdigest(),
        "bytes": str(len(data)),
        "user_data": made.user_data,
        "warnings": "\n".join(made.warnings),
    }
    write_stdout(json.dumps(answer, ensure_ascii=False) + "\n")
    return 0


class Query:
    """A query: its strings by name."""

    KEYS = (SOURCE, CONTENT, "vars", "secret_vars", "snippets", "files_dir", "strict", "pretty_print", "secrets", "for")

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def text(self, name: str) -> str:
        """A string, "" where it is not given."""
        return self._texts.get(name, "")

    def given(self, name: str) -> bool:
        """True if the query has it."""
        return name in self._texts

    def flag(self, name: str) -> bool:
        """A switch. Raises QueryError."""
        text = self.text(name)
        if text and text not in (*TRUE, *FALSE):
            raise QueryError(f"{name} is {text!r}: write true or false")
        return text in TRUE

    def choice(self, name: str, values: Sequence[str]) -> str:
        """One of several words, the first where none is given. Raises QueryError."""
        text = self.text(name) or values[0]
        if text not in values:
            raise QueryError(f"{name} is {text!r}: write {' or '.join(values)}")
        return text

    def data(self, name: str, kind: type[Any], wanted: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """What the JSON text of a string holds, an empty value of its type where it is not given. Raises QueryError, without the text."""
        if not self.text(name):
            return kind()
        try:
            found = json.loads(self.text(name))
        except ValueError:
            raise QueryError(f"{name} is not JSON: write {wanted}") from None
        except RecursionError:
            raise QueryError(f"{name} is nested too deep") from None
        if not isinstance(found, kind) or not fits(found):
            raise QueryError(f"{name} is JSON, but not {wanted}")
        return found


def _query(data: bytes) -> Query:
    """The query on standard input. Raises QueryError."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise QueryError('standard input is not a JSON object of strings, such as {"source": "node.bu"}') from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise QueryError('the query is not an object of strings, such as {"source": "node.bu"}; use jsonencode() for others')
    for name in found:
        if name not in Query.KEYS:
            raise QueryError(f"the query has an unknown key {name!r}{did_you_mean(name, Query.KEYS)}")
    return Query(found)


def _text(query: Query) -> Text:
    """What is to be compiled. Raises QueryError, and OSError for a file that cannot be read."""
    if query.given(SOURCE) == query.given(CONTENT):
        raise QueryError("the query has to have source (a file) or content (a text), and not both")
    name = query.text(SOURCE)
    if query.given(SOURCE):
        if not may_exist(name):
            raise QueryError("source is no name of a file")
        with open(name, "rb") as file:
            text: str | bytes = file.read()
    else:
        name, text = CONTENT, query.text(CONTENT)
    snippets = query.data("snippets", list, "a list of texts", lambda found: all(isinstance(each, str) for each in found))
    return Text(
        text, name, snippets=snippets, lies_there=query.given(SOURCE),
        vars=query.data("vars", dict, "an object"), secret_vars=query.data("secret_vars", dict, "an object"),
        options=Options(query.text("files_dir") or None, pretty=query.flag("pretty_print")),
    )  # fmt: skip


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
