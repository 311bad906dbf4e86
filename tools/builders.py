"""Writes butane_py/config.pyi, what type checkers know of the typed builders, from the tables: `python tools/builders.py`."""

from __future__ import annotations

import sys
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE))

from butane_py.builders import BUILDERS, Builder, is_required  # noqa: E402  # the tree itself, not what is installed
from ignition_py.spec.model import Field  # noqa: E402

STUB = TREE / "butane_py" / "config.pyi"
_HEAD = '''"""What type checkers know of butane_py.config. Written by tools/builders.py from the tables; do not edit."""

from typing import Any, dataclass_transform

@dataclass_transform(kw_only_default=True)
class Builder:
    def to_data(self) -> dict[str, Any]: ...
'''


_MAPS = {"map": "dict[str, str]", "any": "dict[str, Any]"}


def _annotation(entry: Field) -> str:
    kind = BUILDERS[entry.struct].__name__ if entry.struct is not None else _MAPS.get(entry.kind, entry.kind)
    if entry.many:
        kind = f"list[{kind}] | tuple[{kind}, ...]"
    return kind if is_required(entry) else f"{kind} | None = None"


def _class(builder: type[Builder]) -> str:
    rows = [f"    {name}: {_annotation(entry)}" for name, entry in builder.FIELDS.items()]
    return f"class {builder.__name__}(Builder):\n" + "\n".join(rows or ["    ..."]) + "\n"


def stub() -> str:
    """The text of config.pyi."""
    classes = sorted(BUILDERS.values(), key=lambda builder: builder.__name__)
    return "\n".join([_HEAD, *map(_class, classes)])


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
