"""Typed builders of Butane configs: one class for each structure of the language, made from the tables.

    from butane_py.config import Config, File, Resource, Storage

    file = File(path="/etc/motd", mode=0o644, contents=Resource(inline="hello"))
    config = Config(variant="fcos", version="1.6.0", storage=Storage(files=[file]))
    result = butane_py.compile(config)

Names are those of the YAML. A wrong name or type is a TypeError that says what is right; type checkers see the same in
config.pyi, which tools/builders.py writes from the tables. Which version has which field is checked by the compiler.
"""

from __future__ import annotations

from butane_py.builders import BUILDERS, Builder

globals().update({builder.__name__: builder for builder in BUILDERS.values()})
__all__ = ["Builder", *sorted(builder.__name__ for builder in BUILDERS.values())]
