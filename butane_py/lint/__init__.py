"""`--lint`: what compiles, and is still likely to go wrong. Never on by default, since --strict fails on any warning.

One file a subject; each is a function of the compilation, the config, the Ignition config that came of it and the output's text.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py import tables
    from butane_py.compilation import Compilation
    from ignition_py.spec import tables as spec


def lint(work: Compilation, config: tables.Config, compiled: spec.Config, output: str) -> None:
    """Adds the warnings of all linters to the report."""
    from butane_py.lint.children import check_children
    from butane_py.lint.local_links import check_local_links
    from butane_py.lint.size import check_size
    from butane_py.lint.units import check_units

    check_local_links(work, config)
    check_children(work, config)
    check_units(work, compiled)
    check_size(work, output)
