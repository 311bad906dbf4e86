"""See ignition_py/rehearsal/image.py; `REPOSITORY` is the clone that the tests run in."""

from __future__ import annotations

from ignition_py.rehearsal.image import GUEST, BuildError, kernel, packages, run, tree, tree_key
from ignition_py.rehearsal.image import SOURCES as REPOSITORY
from ignition_py.rehearsal.layout import root_disk

__all__ = ["GUEST", "REPOSITORY", "BuildError", "kernel", "packages", "root_disk", "run", "tree", "tree_key"]
