"""Writes docs/codes.md from the catalogue of report codes: `python tools/codes.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ignition_py.report.catalog import load  # noqa: E402  # the tree above this file, not an installed one
from ignition_py.report.explain import document  # noqa: E402

if __name__ == "__main__":
    (ROOT / "docs" / "codes.md").write_text(document(load().values()), encoding="utf-8")
