"""Value classes: construction, defaults, inheritance, equality, and what they refuse."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from ignition_py.record import KW_ONLY, Record, field


class Region(Record):
    """Two by position, two by name."""

    HIDDEN: ClassVar[tuple[str, ...]] = ("key",)
    start: int
    size: int = 1
    _: KW_ONLY
    key: str = ""
    notes: list[str] = field(default_factory=list)


class Named(Region):
    name: str = "none"

    @property
    def end(self) -> int:
        return self.start + self.size


def test_values_by_position_and_by_name() -> None:
    region = Region(8, key="secret")
    assert (region.start, region.size, region.key, region.notes) == (8, 1, "secret", [])
    assert Region(start=8, size=2) == Region(8, 2)
    assert Region(8) != Region(9)
    assert Region(8) != "Region(8)"


def test_mutable_defaults_are_made_anew() -> None:
    first, second = Region(1), Region(1)
    first.notes.append("x")
    assert second.notes == []


def test_a_derived_class_has_the_fields_of_its_base_first() -> None:
    named = Named(1, 2, "data", key="k")
    assert (named.name, named.end) == ("data", 3)
    assert type(named.but(size=5)) is Named
    assert named.but(size=5).end == 6
    assert named.size == 2


def test_repr_hides_secrets() -> None:
    assert repr(Region(1, key="hunter2")) == "Region(start=1, size=1, notes=[])"


def test_there_are_slots() -> None:
    with pytest.raises(AttributeError):
        Region(1).sise = 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "named", "message"),
    [
        ((), {}, "Region needs start"),
        ((1, 2, 3), {}, "Region takes 2 values by position, not 3"),
        ((1,), {"sise": 2}, "Region: unknown or repeated: sise"),
        ((1,), {"start": 2}, "Region: unknown or repeated: start"),
    ],
)
def test_wrong_values_are_refused(values: tuple[int, ...], named: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        Region(*values, **named)
