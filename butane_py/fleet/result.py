"""What a build gives for a host."""

from __future__ import annotations

from collections.abc import Callable

from butane_py.fleet.declarations import Bound
from butane_py.result import Result
from ignition_py.record import field
from ignition_py.report.diag import Path, Report


class HostResult(Result):
    """The result for one host, or for the only machine of a build without an inventory.

    host: name of the host, "" without an inventory. variables: by name, of all files that were compiled. secrets: the paths in the JSON
    of the output's values that are made of secrets. reads: every file that was read, includes and local files. includes: the inclusions,
    (file, included file) each. unused: the names of given values that no file declares. hidden: a report without the secrets of the
    host, for what is found out about the output later; None where there are none.
    """

    host: str = ""
    variables: dict[str, Bound] = field(default_factory=dict)
    secrets: tuple[Path, ...] = ()
    reads: tuple[str, ...] = ()
    includes: tuple[tuple[str, str], ...] = ()
    unused: tuple[str, ...] = ()
    hidden: Callable[[Report], Report] | None = None
