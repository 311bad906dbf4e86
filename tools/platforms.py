"""Writes the tables of docs/delivery.md from the rows of platforms, consumers and forms of --emit: `python tools/platforms.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from butane_py.deliver import listing  # noqa: E402  # the tree above this file, not an installed one

PAGE = ROOT / "docs" / "delivery.md"
TABLES = {"platforms": listing.platforms_markdown, "consumers": listing.consumers_markdown, "forms": listing.forms_markdown}


def filled(page: str) -> str:
    """The page with each table between its marks. Raises ValueError for a page without them."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: written by tools/platforms.py -->\n", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{PAGE} has no marks for {name}")
        page = f"{before}{begin}{table()}{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
