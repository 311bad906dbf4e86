"""`butane-py build --publish`: the parts of a build on their way to their stores, and what is told of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import click

from butane_py.cli.batch import ProgressBar
from butane_py.deliver.model import DeliveryError, Part
from butane_py.deliver.publish.publishing import Addresses, Published, Stores, publish
from butane_py.deliver.publish.store import Store, open_store
from ignition_py.report.catalog import declare

_MOST_SHOWN = 20  # parts that a dry run names

declare(
    "publish",
    title="The parts of the configs cannot be published",
    why="The place that --publish names cannot be read or written, or holds something else under the name of a part. No file that "
    "names a part was written; what was published before is as it was.",
    fix="Mend what the message says, and run the command again: parts that are there already are not uploaded again.",
)


class Publication:
    """What --publish asks for. `alone` is what the host of a build without an inventory is called in the store."""

    def __init__(self, stores: Stores, *, alone: str, dry_run: bool, progress: bool) -> None:
        self.dry_run = dry_run
        self._stores = stores
        self._alone = alone
        self._progress = progress and sys.stderr.isatty()

    @property
    def private(self) -> Store | None:
        """Where parts with secrets go."""
        return self._stores.private

    def __call__(self, parts: Mapping[str, Sequence[Part]]) -> Published:
        """Publishes the parts of each host; a dry run only looks. Raises DeliveryError."""
        named = {host or self._alone: each for host, each in parts.items()}
        if not self._progress:
            return publish(named, self._stores, dry_run=self.dry_run)
        bar: list[ProgressBar] = []

        def show(done: int, total: int) -> None:
            bar[:] = bar or [ProgressBar(total)]
            bar[0].show(done)

        try:
            return publish(named, self._stores, dry_run=self.dry_run, progress=show)
        finally:
            for each in bar:
                each.clear()

    def lines(self, published: Published) -> list[str]:
        """What is told to people."""
        if not published.new and not published.unchanged:
            return ["nothing has to be published: every config fits into its user data"]
        names = published.new if self.dry_run else ()
        left = len(names) - _MOST_SHOWN
        listed = [f"would be published: {name}" for name in names[:_MOST_SHOWN]] + (
            [f"and {left:,} more"] if left > 0 else []
        )
        return [*listed, published.sentence(dry_run=self.dry_run)]

    def data(self, published: Published) -> dict[str, object]:
        """What is told to programs."""
        return {"dry_run": self.dry_run, **published.data()}


def publication(
    config: str, place: str, url: str, private: str, private_url: str, *, dry_run: bool, progress: bool
) -> tuple[Publication, Addresses] | None:
    """The publication that the options ask for, and the addresses of its parts; None without one. Raises UsageError.

    A private place alone takes all parts.
    """
    given = {"--publish": place, "--publish-private": private}
    for option, value, needed in (
        ("--publish-url", url, ["--publish"]), ("--publish-private-url", private_url, ["--publish-private"]),
        ("--publish-dry-run", dry_run, list(given)),
    ):  # fmt: skip
        if value and not any(given[each] for each in needed):
            raise click.UsageError(f"{option} goes with {' or '.join(needed)}")
    if not (place or private):
        return None
    try:
        other: Store | None = open_store(private, base_url=private_url, private=True) if private else None
        main = open_store(place, base_url=url) if place else other
        assert main is not None  # one of the two is given
        stores = Stores(main, other)
        addresses = stores.addresses()
    except DeliveryError as error:
        raise click.UsageError(str(error)) from None
    alone = os.path.splitext(os.path.basename(config))[0] or "config"
    return Publication(stores, alone=alone, dry_run=dry_run, progress=progress), addresses
