"""docs/delivery.md is in step with the rows."""

from __future__ import annotations

import pytest

from tools.platforms import PAGE, filled


def test_the_page_is_in_step() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run tools/platforms.py"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks for platforms"):
        filled("# Delivery\n")
