"""`python -m ignition_py`: the same as the `ignition-py` command."""

from __future__ import annotations

import sys

from ignition_py.cli import run

sys.exit(run())
