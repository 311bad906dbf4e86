"""A config that is a text and lies in no file, as Terraform, Ansible and programs hand it over, compiled for one machine.

Snippets are further configs whose outputs are merged over that of the text, from left to right, as Ignition merges configs and as the
Terraform provider `poseidon/ct` does. A snippet may have another version than the text; the output has the newest of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from butane_py import render
from butane_py.compilation import Options
from butane_py.fleet.outside import of_mapping
from butane_py.fleet.precedence import host_values
from butane_py.fleet.program import Program, build_host
from butane_py.fleet.result import HostResult
from butane_py.fleet.unknown import unknown_name
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Report


class Text(Record):
    """A text to compile.

    name: what reports call it. snippets: texts, called `snippets[0]`, `snippets[1]`, … vars, secret_vars: values of variables, as JSON has
    them; what is made of secret_vars is a secret. A name that no file declares is an error. host_vars: values as an inventory gives them,
    weaker than vars; names that no file declares are ignored. lies_there: True where `name` is the path of the file with this text, which
    then includes files beside it; other texts include files of the files directory alone.
    """

    text: str | bytes
    name: str = "<config>"
    _: KW_ONLY
    snippets: Sequence[str | bytes] = ()
    vars: Mapping[str, Any] = {}  # never changed
    secret_vars: Mapping[str, Any] = {}  # never changed
    host_vars: Mapping[str, Any] = {}  # never changed
    options: Options = Options()
    lies_there: bool = False

    HIDDEN = ("text", "snippets", "vars", "secret_vars", "host_vars")


class TextBuild:
    """A compiled text: `result`, and its report for people."""

    def __init__(self, wanted: Text) -> None:
        """Compiles. Raises TypeError for a value that no JSON could have, ConfigError for linter settings that cannot be used."""
        self._program = Program(wanted.name, _bytes(wanted.text), wanted.options, lies_there=wanted.lies_there)
        for number, snippet in enumerate(wanted.snippets):
            self._program.add_snippet(f"snippets[{number}]", _bytes(snippet))
        declared = self._program.declarations
        host = {name: wanted.host_vars[name] for name in declared if name in wanted.host_vars}
        given = of_mapping(wanted.vars, "vars")
        secrets = of_mapping(wanted.secret_vars, "secret_vars", secret=True)
        self._values = host_values(None, None, [of_mapping(host, "host_vars"), given, secrets])
        result = build_host(self._program, self._values)
        declared = self._program.declarations  # includes under names of many declare more
        unknown = [
            unknown_name(name, layer[name][-1].value().place, declared)
            for layer in (given, secrets) for name in layer if name in result.unused and name not in declared
        ]  # fmt: skip
        more = Report([*result.report, *unknown])
        self.result = result.but(report=more, output=None) if more.fatal else result.but(report=more)

    def unpacked(self) -> HostResult:
        """The same text compiled with its contents uncompressed."""
        return build_host(self._program, self._values, None, self._program.options.but(packs=False, lint=False, source_map=False))

    def pretty(self, report: Report | None = None) -> str:
        """The report, or a part of it, with the lines that it speaks of, secrets masked."""
        return render.pretty_of(self.result.report if report is None else report, self._program.shown_text, colour=False)


def _bytes(text: str | bytes) -> bytes:
    """The text as bytes, and not as a subclass that the methods of a subclass of str give, which libyaml refuses."""
    return str.encode(text, "utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
