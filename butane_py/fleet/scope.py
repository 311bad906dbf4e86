"""The variables as one file sees them for one host: each is held against its declaration once, whatever asks for it.

A value comes from, strongest first: `with:` of the inclusion or of one around it, the file that includes this one (where it declares the
name too), the inventory and the command line (fleet/precedence.py), the default. Errors are reported where they are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from butane_py.fleet import types, values
from butane_py.fleet.declarations import LIST, OBJECT, STRING, Bound, Declaration, Type
from butane_py.fleet.evaluation import SECRET, EvaluationProblem, Operand, ReportedError, shown_safely, where
from butane_py.fleet.examples import contents
from butane_py.fleet.expressions import Name
from butane_py.fleet.interpolation import Expander
from butane_py.fleet.types import Misfit
from butane_py.fleet.values import HostFacts, Layer, Value, of_node
from butane_py.fleet.variables import RESERVED
from butane_py.linter.rule import near
from butane_py.yaml.source import YamlError
from ignition_py.report.catalog import code, declare
from ignition_py.report.diag import ERROR, ConfigError, Entry, Place, Related, Report

if TYPE_CHECKING:
    from butane_py.fleet.files import ParsedFile

_HOST = Type(OBJECT, members={"name": Type(STRING), "groups": Type(LIST, item=Type(STRING))})


class HostState:
    """What all scopes of one host share: the given values, the host, the report, and what they have bound."""

    def __init__(self, given: Mapping[str, Value], host: HostFacts | None, report: Report) -> None:
        self.given = given
        self.host = host
        self.facts: Operand | None = None  # the value of `host`, once somebody asks for it
        self.report = report
        self.bound: dict[str, Bound] = {}  # of all files; the first counts
        self.declared: dict[str, Declaration] = {}  # the first declaration of each name
        self.secrets: set[str] = set()  # texts that no report may show

    def error(self, code: str, message: str, place: Place, hint: str = "", related: tuple[Related, ...] = ()) -> None:
        self.report.entries.append(Entry(ERROR, code, message, place, hint, related=related))

    def keep_secret(self, value: Value) -> None:
        """Notes the texts of a secret value, so that no report shows them."""
        if value.kind == values.TEXT:
            self.secrets.add(value.text)
        for each in (*value.items, *value.members.values(), *value.made_of):
            self.keep_secret(each)


class Scope:
    """The variables of one inclusion of a file."""

    def __init__(
        self, file: ParsedFile, state: HostState, parent: Scope | None = None, passed: Mapping[str, Value] | None = None
    ) -> None:
        self.file = file
        self.state = state
        self.parent = parent
        self.passed = dict(passed or {})  # by with: and as:
        self.locals: dict[str, Operand] = {}  # the item of an include with each:
        self.expander: Expander = file.expander(self.lookup, state.report)
        self._bound: dict[str, Bound | None] = {}  # None: an error was reported
        self._binding: list[str] = []

    def bind(self) -> None:
        """Binds all that the file declares, so that every value that is missing or wrong is reported."""
        for name in self.file.declarations:
            self._note_type(name)
            self._of(name)

    @code(
        "var-undeclared",
        title="A reference names a variable that is not declared",
        why="What vars: does not declare does not exist: a typing error would be an empty text otherwise.",
        fix="Correct the name, or declare the variable below vars: of the file.",
        wrong=contents("name: {type: string, default: n1}", "${{ nmae }}"),
        right=contents("name: {type: string, default: n1}", "${{ name }}"),
        build=True,
    )
    def lookup(self, name: Name) -> Operand:
        """The value of a variable. Raises EvaluationProblem, and ReportedError where it is missing or wrong."""
        text = str(name.text)
        if text in self.locals:
            return self.locals[text]
        if text in self.file.declarations:
            bound = self._of(text)
            if bound is None:
                raise ReportedError
            nullable = bound.declaration.nullable or bound.value.is_null
            return Operand(bound.value, bound.declaration.type, nullable)
        if text == RESERVED:
            return self._host(name)
        close = near(text, [*self.file.declarations, *self.locals, RESERVED])
        hint = f"did you mean {close}?" if close else f"declare it: `{text}: string` below vars: of {self.file.name}"
        raise EvaluationProblem("var-undeclared", f"`{text}` is not declared", name.at, hint)

    def _host(self, name: Name) -> Operand:
        host = self.state.host
        if host is None:
            hint = "build with --inventory, or declare a variable and give it with --var"
            raise EvaluationProblem("var-undeclared", "`host` is known with an inventory only", name.at, hint)
        if self.state.facts is None:
            made = values.of_data({"name": host.name, "groups": list(host.groups)}, host.place, Layer(values.HOST, host.name))
            self.state.facts = Operand(made, _HOST)
        return self.state.facts

    def _of(self, name: str) -> Bound | None:
        """The value of a declared variable; None where an error was reported."""
        if name in self._bound:
            return self._bound[name]
        if name in self._binding:
            self._cycle(name)
            raise ReportedError
        self._binding.append(name)
        try:
            found = self._bind(self.file.declarations[name])
        except ReportedError:
            self._bound[name] = None
            return None
        finally:
            self._binding.pop()
        self._bound[name] = found
        self.state.bound.setdefault(name, found)
        return found

    def _bind(self, declaration: Declaration) -> Bound:
        value = self._value(declaration)
        secret = declaration.secret or value.secret
        if secret:
            value = _secret(value)
            self.state.keep_secret(value)
        nullable = declaration.nullable or value.layer.kind == values.DEFAULT
        try:
            value = types.converted(value, declaration.type, nullable=nullable)
            types.check(declaration, value)
        except Misfit as error:
            self._misfit(declaration, error)
            raise ReportedError from None
        if secret:
            self.state.keep_secret(value)
        return Bound(declaration, value, values.plain(value), secret)

    def _value(self, declaration: Declaration) -> Value:
        """What counts for a variable, not yet converted. Raises ReportedError."""
        name = declaration.name
        scope: Scope | None = self
        while scope is not None:
            if name in scope.passed:
                return scope.passed[name]
            if scope is not self and name in scope.file.declarations:
                bound = scope._of(name)
                if bound is None:
                    raise ReportedError
                return bound.value
            scope = scope.parent
        try:
            if name in self.state.given:
                return self.state.given[name]
        except ConfigError as error:
            self.state.report.merge(error.report)
            raise ReportedError from None
        if declaration.default is not None:
            return self._default(declaration)
        self._missing(declaration)
        raise ReportedError

    def _default(self, declaration: Declaration) -> Value:
        """The default with the variables that it names. Raises ReportedError."""
        path = ("vars", declaration.name, "default")
        default, layer = declaration.default, Layer(values.DEFAULT)
        assert default is not None
        failures = self.expander.failures
        node = self.expander.node(default, path)
        if self.expander.failures > failures:
            raise ReportedError
        if node is None:  # a reference to null
            return values.of_data(None, self.file.source.node_place(default, path), layer)
        try:
            return of_node(node, self.file.source, layer, path)
        except YamlError as error:
            place = Place(path, error.line, error.column, self.file.name)
            self.state.error("var-declaration", f"the default cannot be read: {error}", place, error.hint)
            raise ReportedError from None

    def _missing(self, declaration: Declaration) -> None:
        name = declaration.name
        hint = f"give it with --var {name}=… or --vars FILE, in the inventory, or declare a default"
        self.state.error("var-missing", f"`{name}` has no value", declaration.place, hint)

    def _misfit(self, declaration: Declaration, error: Misfit) -> None:
        """Reports a value that does not fit, at the value where it has a line, with the declaration; else the other way round."""
        name, value = ".".join([declaration.name, *map(str, error.path)]), error.value
        hide = declaration.secret or value.secret
        shown = SECRET if hide else shown_safely(value)
        message = f"`{name}` {error}" if error.tells and not hide else f"`{name}` is {shown}; it {_of_secret(error) if hide else error}"
        place, other = value.place, Related("declared here", declaration.place)
        if not place.line:
            place, other = declaration.place, Related(f"the value comes from {where(value.place)}", value.place)
        self.state.error(error.code, message, place, error.hint, (other,))

    @code(
        "var-conflict",
        title="Two files declare one variable with different types",
        why="A variable is one thing in all files of a build, so its value would have to be of both types.",
        fix="Give both declarations the same type, or pass the value with with: under another name.",
    )
    def _note_type(self, name: str) -> None:
        """Reports a name that another file declares with another type. What an include passes is the business of the file alone."""
        declaration = self.file.declarations[name]
        if name in self.passed:
            return
        first = self.state.declared.setdefault(name, declaration)
        if first.type != declaration.type:
            message = f"`{name}` is {declaration.type} here and {first.type} in {first.place.source}"
            related = (Related(f"{first.type} here", first.place),)
            self.state.error("var-conflict", message, declaration.place, related=related)

    @code(
        "var-cycle",
        title="Defaults name each other",
        why="Each of the variables would have to be known before the other.",
        fix="Give one of them a default that names no variable, or a value.",
        wrong="vars:\n  a: {type: string, default: \"${{ b }}\"}\n  b: {type: string, default: \"${{ a }}\"}\n",
        right="vars:\n  a: {type: string, default: \"${{ b }}\"}\n  b: {type: string, default: x}\n",
        build=True,
    )
    def _cycle(self, name: str) -> None:
        chain = [*self._binding[self._binding.index(name) :], name]
        places = [Related(f"the default of `{each}`", self.file.declarations[each].place) for each in chain[:-1]]
        message = ", which needs ".join(f"`{each}`" for each in chain).replace(", which needs", " needs", 1)
        self.state.error("var-cycle", f"{message}", self.file.declarations[name].place, related=tuple(places[1:]))


def _of_secret(error: Misfit) -> str:
    """The end of a sentence about a value that may not be shown."""
    return "does not fit its declaration" if error.code != "var-range" else str(error)


def _secret(value: Value) -> Value:
    """The value with all that is in it marked as secret."""
    items = tuple([_secret(item) for item in value.items])
    members = {name: _secret(item) for name, item in value.members.items()}
    return value.but(secret=True, items=items, members=members)


declare(
    "var-missing",
    title="A variable has no value",
    why="It is declared without a default, and neither the inventory nor the command line gives it a value.",
    fix="Give it with --var NAME=VALUE, --vars FILE or in the inventory, or declare a default; `default: null` takes the key away.",
    wrong="vars:\n  name: string\n",
    right="vars:\n  name: {type: string, default: n1}\n",
    build=True,
)
declare(
    "var-type",
    title="A value is not of the type that is declared",
    why="The declaration says what a value is: a number, a host name, an address. Another value would reach every machine as it is.",
    fix="Correct the value, or the type. Numbers, true and false stand without quotes in YAML and JSON.",
    wrong="vars:\n  mtu: {type: int, default: large}\n",
    right="vars:\n  mtu: {type: int, default: 9000}\n",
    build=True,
)
declare(
    "var-range",
    title="A value is too small or too large",
    why="min, max and length of the declaration bound it.",
    fix="Give a value within the bounds, or correct the bounds.",
    wrong="vars:\n  mtu: {type: int, max: 9216, default: 90000}\n",
    right="vars:\n  mtu: {type: int, max: 9216, default: 9000}\n",
    build=True,
)
declare(
    "var-pattern",
    title="A value does not fit the pattern",
    why="The pattern of the declaration has to fit the whole value.",
    fix="Correct the value, or the pattern.",
    wrong="vars:\n  rack: {type: string, pattern: 'r[0-9]+', default: R1}\n",
    right="vars:\n  rack: {type: string, pattern: 'r[0-9]+', default: r1}\n",
    build=True,
)
declare(
    "var-one-of",
    title="A value is none of those that are allowed",
    why="one_of of the declaration lists them.",
    fix="Give one of them, or add the value to the list.",
    wrong="vars:\n  role: {type: string, one_of: [web, db], default: app}\n",
    right="vars:\n  role: {type: string, one_of: [web, db], default: web}\n",
    build=True,
)
