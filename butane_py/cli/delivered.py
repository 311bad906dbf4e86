"""What a build tells of deliveries: the form that each host's config has, and how much of the platform's limit it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from butane_py.deliver.ladder import Wish
from butane_py.deliver.model import FORMS, Delivery
from ignition_py.record import Record

_MOST_LINES = 10  # hosts that have a line each


class Delivered(Record):
    """The delivery of one host: its form, how much of the limit it takes, and the names of its parts."""

    host: str
    form: str
    taken: int
    bytes: int
    parts: tuple[str, ...]


class Deliveries:
    """Collects the deliveries of one build."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._all: list[Delivered] = []

    def add(self, host: str, delivery: Delivery) -> None:
        """Adds the delivery of a host; "" without an inventory."""
        parts = tuple([part.name for part in delivery.parts])
        self._all.append(Delivered(host, delivery.form, self._wish.counted(delivery), len(delivery.user_data), parts))

    def lines(self) -> Iterator[str]:
        """A line a host; of many hosts a line a form, with the one that takes most."""
        if len(self._all) <= _MOST_LINES:
            for each in self._all:
                yield f"{f'{each.host}: ' if each.host else ''}{each.form}, {self._taken(each)}\n"
            return
        for form in FORMS:
            of_form = [each for each in self._all if each.form == form]
            if of_form:
                most = max(of_form, key=lambda each: each.taken)
                yield f"{len(of_form):,} hosts {form}; most is {most.host}: {self._taken(most)}\n"

    def _taken(self, each: Delivered) -> str:
        """`4,161 of 16,384 bytes (aws)`."""
        recipient, limit = self._wish.recipient, self._wish.limit
        of = "" if limit is None else f" of {limit:,}"
        name = f" ({recipient.name})" if recipient.name else ""
        return f"{each.taken:,}{of} {recipient.unit}{name}"

    def data(self) -> dict[str, Any]:
        """The same for programs, by host; docs/delivery.md describes the keys."""
        recipient, limit = self._wish.recipient, self._wish.limit
        return {
            each.host: {
                "recipient": recipient.name, "form": each.form, "bytes": each.bytes, "taken": each.taken, "limit": limit,
                "counted": recipient.counting, "parts": list(each.parts),
            }
            for each in self._all
        }  # fmt: skip
