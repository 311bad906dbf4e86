"""What a piece of sugar consists of besides its structures and its checks, which register themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from butane_py.compilation import Compilation
from ignition_py.record import Record
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct

# A structure of the Butane config, and the values of the Ignition structure that it becomes, to be changed in place.
Handler: TypeAlias = "Callable[[Compilation, Any, dict[str, Any]], None]"


def _unchanged(_work: Compilation, output: spec.Config) -> spec.Config:
    return output


def _nothing(_work: Compilation) -> None: ...


def _never(_work: Compilation) -> bool:
    return False


class Feature(Record):
    """The steps of one piece of sugar.

    `section` names the section of the rows that have it (empty: every row). `handlers` work out single values of structures.
    `desugar` makes the next Ignition config from the one so far; `check_output` checks the finished one. `merges` is true if
    the reference merges the sugar of this config into the output, after which it no longer knows the origins of empty values.
    """

    section: str = ""
    handlers: dict[type[Struct], Handler] = {}  # noqa: RUF012  # never changed
    desugar: Callable[[Compilation, spec.Config], spec.Config] = _unchanged
    check_output: Callable[[Compilation], None] = _nothing
    merges: Callable[[Compilation], bool] = _never
