"""The command line of `ignition-py explain`, which butane-py has too."""

from __future__ import annotations

from ignition_py.programs.explain import run

__all__ = ["run"]
