"""The schema files that the project publishes: in the folder schemas/ of a clone, in the package where it is installed."""

from __future__ import annotations

import os

IGNITION = "ignition"


def names() -> list[tuple[str, str]]:
    """(variant, version) of every schema; the variant `ignition` is the output's language."""
    from butane_py.variants import VARIANTS
    from ignition_py.spec.tables import VERSIONS

    return [*VARIANTS, *((IGNITION, version) for version in VERSIONS)]


def published(path: str) -> str:
    """The text of a file below schemas/, such as `strict/butane/fcos-1.6.0.json`. Raises OSError."""
    import ignition_py

    package = os.path.dirname(os.path.abspath(ignition_py.__file__))
    folder = os.path.join(package, "schemas")
    if not os.path.isdir(folder):
        folder = os.path.join(os.path.dirname(package), "schemas")
    with open(os.path.join(folder, path), encoding="utf-8") as file:
        return file.read()
