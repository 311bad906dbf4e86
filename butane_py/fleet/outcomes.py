"""Compiling one config for many hosts: what goes to a process that compiles, and what comes back from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from butane_py.compilation import Options
from butane_py.fleet.declarations import Bound
from butane_py.fleet.inventory.model import Inventory, Variables
from butane_py.fleet.precedence import host_facts, host_values
from butane_py.fleet.program import Program, build_host
from butane_py.fleet.result import HostResult
from butane_py.fleet.types import Misfit, converted, identities
from butane_py.fleet.values import DEFAULT, Layer, Value, of_node, plain
from ignition_py.record import KW_ONLY, Record, field
from ignition_py.report.diag import ERROR, INFO, ConfigError, Entry, Place, Report

if TYPE_CHECKING:
    from butane_py.deliver.ladder import Wish
    from butane_py.deliver.model import Delivery

ONLY = ""  # the name of the only machine of a build without an inventory


class Subject(Record):
    """What is compiled: a host, or the only machine, with the file that it is compiled from."""

    name: str
    source: str


class Outcome(Record):
    """What came of one host. `output` is None where it was refused.

    result: the report, and of the variables those that are unique; it has no output, and can be given to other processes.
    used: the names of the variables that its files declare. spec: version of the output. public: the values of variables that are no
    secrets. secret: True if the output holds secrets. chain: the values of the variable that was asked for, the one that counts first.
    outputs: all outputs of a target by the end of their files' names, {} without a target. delivery: what the host gets, where --for
    asks for that.
    """

    name: str
    source: str
    output: str | None
    result: HostResult
    _: KW_ONLY
    source_map: dict[str, Any] | None = None
    used: tuple[str, ...] = ()
    spec: str = ""
    public: dict[str, Any] = field(default_factory=dict)
    secret: bool = False
    chain: tuple[Step, ...] | None = None
    outputs: dict[str, bytes] = field(default_factory=dict)
    delivery: Delivery | None = None

    HIDDEN = ("output", "outputs")

    def refused(self, *entries: Entry) -> Outcome:
        """The outcome without an output, with these errors more."""
        report = Report([*self.result.report, *entries])
        return self.but(output=None, outputs={}, delivery=None, source_map=None, result=self.result.but(report=report))


class Step(Record):
    """One value of a chain: the layer that gives it, and where. `value` is None, and `secret` True, for what may not be shown."""

    layer: str
    name: str
    value: Any
    place: Place
    secret: bool = False


class HostBuilder:
    """Compiles hosts; a callable that other processes can be given."""

    def __init__(
        self,
        programs: Mapping[str, Program],
        inventory: Inventory | None,
        outside: Sequence[Variables],
        *,
        strict: bool = False,
        explain: str = "",
        butane: bool = False,
        wish: Wish | None = None,
    ) -> None:
        """`programs`: by the name of the main file. `explain`: the variable whose chain is wanted. `butane`: outputs are plain Butane.

        `wish`: how the configs are to be delivered, None where they are only written.
        """
        self._programs = programs
        self._inventory = inventory
        self._outside = outside
        self._strict = strict
        self._explain = explain
        self._butane = butane
        self._wish = wish

    def __call__(self, subject: Subject) -> Outcome:
        """Compiles one host. Nothing is raised, whatever is wrong with it."""
        try:
            result, delivery = self._delivered(subject, self._build(subject))
            return self._outcome(subject, result, delivery)
        except ConfigError as error:
            return Outcome(subject.name, subject.source, None, HostResult(None, error.report, host=subject.name))
        except (MemoryError, RecursionError) as error:
            return lost(subject, f"compiling failed: {type(error).__name__}")

    def _delivered(self, subject: Subject, result: HostResult) -> tuple[HostResult, Delivery | None]:
        """The result, refused where it cannot be delivered, and the delivery."""
        if self._wish is None or result.output is None:
            return result, None
        from butane_py.deliver.host import deliver

        options = self._programs[subject.source].options.but(packs=False, lint=False, source_map=False)
        delivery, report = deliver(self._wish, result, lambda: self._build(subject, options))
        result = result.but(report=Report([*result.report, *report]))
        return (result if delivery is not None else result.but(output=None)), delivery

    def _build(self, subject: Subject, options: Options | None = None) -> HostResult:
        program = self._programs[subject.source]
        inventory = self._inventory
        if inventory is None:
            return build_host(program, host_values(None, None, self._outside), None, options)
        host = inventory.hosts[subject.name]
        return build_host(program, host_values(inventory, host, self._outside), host_facts(inventory, host), options)

    def _outcome(self, subject: Subject, result: HostResult, delivery: Delivery | None = None) -> Outcome:
        refused = result.output is None or (self._strict and any(entry.severity != INFO for entry in result.report))
        bound = result.variables
        asked = bound.get(self._explain)
        chain = steps(asked, self._programs[subject.source]) if asked is not None else None
        unique = {name: each for name, each in bound.items() if each.declaration.unique}
        return Outcome(
            subject.name,
            subject.source,
            None if refused else self._output(result),
            result.but(output=None, source_map=None, compilation=None, hidden=None, variables=unique, outputs={}),
            source_map=None if refused else result.source_map,
            used=tuple(bound),
            spec=_spec(result),
            public={name: each.data for name, each in bound.items() if not each.secret},
            secret=bool(result.secrets),
            chain=chain,
            outputs={} if refused else result.outputs,
            delivery=None if refused else delivery,
        )

    def _output(self, result: HostResult) -> str | None:
        """The config, or the plain Butane that compiles to it. Raises ConfigError where Butane cannot say it."""
        if not self._butane:
            return result.output
        from butane_py.fleet.emit import emitted

        return emitted(result, result.host).removesuffix("\n")  # a line feed is added where it is written


def lost(subject: Subject, message: str) -> Outcome:
    """The outcome of a host that could not be compiled for a reason that is not in the config."""
    report = Report([Entry(ERROR, "internal", message, Place((), source=subject.source))])
    return Outcome(subject.name, subject.source, None, HostResult(None, report, host=subject.name))


def _spec(result: HostResult) -> str:
    """The version of the Ignition language of the output; "" where there is none."""
    document = getattr(result.compilation, "document", None)
    if document is None or result.outputs:
        return ""
    config = document.get("spec", {}).get("config", document)
    return str(config["ignition"]["version"])


def sharing(programs: Iterable[Program], values: Mapping[str, Mapping[str, Value]]) -> set[str]:
    """The hosts that have a value in common which has to be unique, as far as that is known before they are compiled.

    `values`: those of each host, by its name. Values that do not fit their types are left to the compilation.
    """
    found: set[str] = set()
    for declaration in {name: each for program in programs for name, each in program.declarations.items()}.values():
        seen: dict[str, str] = {}
        for host, given in values.items() if declaration.unique else ():
            try:
                keys = {key for key, _ in identities(converted(given[declaration.name], declaration.type), declaration.type)}
            except (KeyError, ConfigError, Misfit):
                continue
            found.update(each for key in keys if (first := seen.setdefault(key, host)) != host for each in (first, host))
    return found


def steps(bound: Bound, program: Program) -> tuple[Step, ...]:
    """The chain of a value: itself, what it overrides, and the default."""
    found = []
    step: Value | None = bound.value
    while step is not None:
        found.append(_step(step, bound))
        step = step.overrides
    declaration = bound.declaration
    if declaration.default is not None and found[-1].layer != DEFAULT:
        source = next(file.source for file in program.files if file.name == declaration.place.source)
        found.append(_step(of_node(declaration.default, source, Layer(DEFAULT)), bound))
    return tuple(found)


def _step(value: Value, bound: Bound) -> Step:
    hidden = bound.secret or value.secret
    return Step(value.layer.kind, value.layer.name, None if hidden else plain(value), value.place, hidden)
