"""Writes the table of lint rules into docs/lint.md from the catalogue: what stands between its two marks.

    python tools/lint_table.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

BEGIN = "<!-- rules: written by tools/lint_table.py -->\n"
END = "<!-- end of the rules -->\n"


def table() -> str:
    """The rules as Markdown, a table for each module in its order."""
    from butane_py.linter import every
    from ignition_py.report.catalog import load

    codes = load()
    lines = []
    for module in every.MODULES:
        subject = (module.__doc__ or "").partition("\n")[0].partition(":")[0].rstrip(".")
        lines += [f"### {subject}", "", "| code | severity | what it finds | why | way out |", "| --- | --- | --- | --- | --- |"]
        for rule in every.RULES.values():
            if rule.check.__module__ == module.__name__:
                code = codes[rule.code]
                cells = [f"`{code.name}`", code.severity, code.title, code.why, code.fix]
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the table of today."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    path = ROOT / "docs" / "lint.md"
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
