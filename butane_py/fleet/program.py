"""A config and the files that it includes, read once and compiled for many hosts."""

from __future__ import annotations

from butane_py.result import Result
from ignition_py.record import field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from butane_py.compilation import Options
    from butane_py.fleet.declarations import Bound, Declaration
    from butane_py.fleet.values import HostFacts, Value
    from ignition_py.report.diag import Path, Report


class HostResult(Result):
    """The result for one host, or for the only machine of a build without an inventory.

    host: name of the host, "" without an inventory. variables: by name, of all files that were compiled. secrets: the paths in the JSON
    of the output's values that are made of secrets. reads: every file that was read, includes and local files. unused: the names of
    given values that no file declares.
    """

    host: str = ""
    variables: dict[str, Bound] = field(default_factory=dict)
    secrets: tuple[Path, ...] = ()
    reads: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


class Program:
    """A main file with the cache of the files that it includes. One Program compiles all hosts of a build."""

    def __init__(self, path: str, text: bytes, options: Options) -> None:
        """`path` is the name of the main file, `text` its contents. Nothing is read yet but that."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: str, options: Options) -> Program:
        """The program of a file. Raises OSError where it cannot be read."""
        raise NotImplementedError

    @property
    def declarations(self) -> dict[str, Declaration]:
        """The variables that the main file and the files that it includes under fixed names declare."""
        raise NotImplementedError

    @property
    def reads(self) -> frozenset[str]:
        """The files that were read so far: the main file, includes, local files."""
        raise NotImplementedError

    def shown_text(self, name: str) -> bytes | None:
        """The text of a file of the program as reports may show it, secrets masked; None for other files."""
        raise NotImplementedError


def build_host(program: Program, values: Mapping[str, Value], host: HostFacts | None = None) -> HostResult:
    """Compiles the program for one host (None: no inventory) with the values that the precedence chain has left.

    Nothing is raised for a bad config or a bad value: the report of the result has it, with secrets left out.
    """
    raise NotImplementedError


def combined(reports: Mapping[str, Report]) -> Report:
    """One report of the reports of many hosts: what several hosts have in common is one entry that counts them."""
    raise NotImplementedError
