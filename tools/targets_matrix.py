"""Writes the matrix of docs/targets.md from the cells of the targets: `python tools/targets_matrix.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from butane_py.targets.matrix import as_markdown  # noqa: E402  # the tree above this file, not an installed one
from butane_py.targets.registry import NAMES  # noqa: E402

PAGE = ROOT / "docs" / "targets.md"
BEGIN, END = "<!-- matrix: written by tools/targets_matrix.py -->\n", "<!-- end of the matrix -->"


def filled(page: str) -> str:
    """The page with the matrix between its marks. Raises ValueError for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no marks for the matrix")
    return f"{before}{BEGIN}{as_markdown(NAMES)}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
