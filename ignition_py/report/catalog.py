"""The catalogue of report codes: what each code means, why it matters, the way out, and two examples that a test compiles.

A code is declared where it is reported: `rule(Struct, "code", title=…)` of a rule set, `@code("code", title=…)` on any other
function, or `declare("code", title=…)` for what no single function reports. `explain`, docs/codes.md, the SARIF rules and the
example tests read the catalogue. A declaration only keeps its texts; `load()` imports every module that declares codes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar, Unpack

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import ERROR

Function = TypeVar("Function", bound=Callable[..., Any])
# What a declaration gives beside the name; see Code. As a class its annotations, which are text, would be compiled at each start.
Texts = TypedDict(  # noqa: UP013
    "Texts",
    {
        "title": str, "why": str, "fix": str, "wrong": str, "right": str,
        "row": str, "severity": str, "local": bool, "raw": bool, "lint": bool, "build": bool, "inventory": bool,
        "target": str, "recipient": str,
    },
    total=False,
)  # fmt: skip


FCOS = "fcos 1.6.0"
OPENSHIFT = "openshift 4.18.0"
_ROLE = "metadata:\n  name: example\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"

# Modules whose import declares every code. They are imported by `load()` only.
DECLARING = (
    "ignition_py.report.codes",
    "ignition_py.spec.downgrade",
    "ignition_py.spec.rules.all",
    "butane_py.pipeline",
    "butane_py.cli.build_publish",
    "butane_py.cli.one",
    "butane_py.unknown",
    "butane_py.child",
    "butane_py.forbidden",
    "butane_py.ignition_rules",
    "butane_py.emit.source_map",
    "butane_py.targets.language",
    "butane_py.targets.codes",
    "butane_py.fleet.codes",
    "butane_py.deliver.pxe.codes",
    "butane_py.importer.user_data",
    "butane_py.importer.values",
    "butane_py.linter.every",
    "butane_py.linter.ignores",
    "butane_py.linter.settings",
    "butane_py.fleet.inventory",
    "butane_py.fleet.outside",
    "butane_py.fleet.unknown",
    "butane_py.deliver.host",
    "butane_py.integrations.handover",
    "butane_py.deliver.versions",
)


class Code(Record):
    """One code of the catalogue.

    title: what is wrong, a short sentence. why: what it leads to. fix: the way out. wrong, right: a config that gets the code
    and one that gets no report at all, YAML without variant and version (`row` gives them) unless it names its own; both are
    empty where no config alone can show the code. severity: of the example. since: the version that brought the check, ""
    for all. local, raw, lint: the flags --files-dir, --raw and --lint are needed to see it; build: `butane-py build` is. inventory: the
    examples are inventories, not configs.
    target: what --target names, recipient: what --for of `butane-py build` names, "" for none.
    """

    name: str
    _: KW_ONLY
    title: str
    why: str
    fix: str = ""
    wrong: str = ""
    right: str = ""
    row: str = FCOS
    severity: str = ERROR
    since: str = ""
    local: bool = False
    raw: bool = False
    lint: bool = False
    build: bool = False
    inventory: bool = False
    target: str = ""
    recipient: str = ""

    def example(self, text: str) -> str:
        """An example as a whole config."""
        if self.inventory or "variant:" in text or not text or text.startswith("["):
            return text
        variant, _, version = self.row.partition(" ")
        role = _ROLE if variant == "openshift" and "metadata:" not in text else ""
        return f"variant: {variant}\nversion: {version}\n{role}{text}"

    @property
    def flags(self) -> list[str]:
        """What the example needs: the command, where it is not the compiler, and flags."""
        target, recipient = f"--target {self.target}", f"--for {self.recipient}"
        flags = (
            *(("butane-py build", self.build or bool(self.recipient)), ("butane-py build --inventory", self.inventory)),
            *(("--files-dir", self.local), ("--raw", self.raw), ("--lint", self.lint)),
            *((target, bool(self.target)), (recipient, bool(self.recipient))),
        )
        return [flag for flag, on in flags if on]


_declared: dict[str, tuple[str, Texts]] = {}  # name -> since, the rest


def declare(name: str, *, since: str = "", **texts: Unpack[Texts]) -> None:
    """Adds a code to the catalogue; the texts are those of Code. Raises ValueError if it is declared already."""
    if name in _declared:
        raise ValueError(f"the code {name} is declared twice")
    _declared[name] = (since, texts)


def code(name: str, *, since: str = "", **texts: Unpack[Texts]) -> Callable[[Function], Function]:
    """Declares a code at the function that reports it. Several can be stacked."""
    declare(name, since=since, **texts)
    return lambda function: function


def title(name: str) -> str:
    """The title of a declared code; "" for other codes."""
    return _declared[name][1].get("title", "") if name in _declared else ""


def way_out(name: str) -> str:
    """The way out of a declared code as a help line, such as "add format, such as format: xfs"; "" for other codes."""
    text = _declared[name][1].get("fix", "") if name in _declared else ""
    if text.count(".") == 1:
        text = text.removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def load() -> dict[str, Code]:
    """Every code by its name, in the order of declaration."""
    from importlib import import_module

    for module in DECLARING:
        import_module(module)
    return {name: Code(name, since=since, **texts) for name, (since, texts) in _declared.items()}
