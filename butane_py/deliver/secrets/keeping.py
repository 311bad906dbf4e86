"""What a machine is handed of a config with secrets: all, all but what is published privately, or encrypted files in their place."""

from __future__ import annotations

from collections.abc import Callable

from butane_py.compilation import Compilation
from butane_py.deliver.model import DeliveryError, Part
from butane_py.deliver.recipients import Recipient
from butane_py.deliver.secrets.entries import secret_paths, tainted_entries
from butane_py.deliver.secrets.modes import INLINE, TANG, Keeping
from butane_py.deliver.secrets.refusal import refusal
from butane_py.deliver.secrets.split import NotSplitError, private_part, referring, split
from butane_py.deliver.secrets.tang import with_tang
from butane_py.deliver.versions import fitted
from butane_py.fleet.result import HostResult
from ignition_py.report.catalog import declare, way_out
from ignition_py.report.diag import ERROR, Entry, Path, Report
from ignition_py.spec.tables import Config

declare(
    "secret-not-split",
    title="A config that is not valid without its secrets",
    why="--secrets split publishes the secret values of a config apart from the rest. Both are configs of their own, and have to be valid "
    "before Ignition merges them.",
    fix="Take secrets for contents, password hashes, keys and texts of units, not for what entries are told from others by.",
)


class Kept:
    """The secrets of one host.

    report: what is wrong with them. parts: what has to be published for them. config: what is handed over of the result that this was
    made of. shown: True if it holds the secrets.
    """

    def __init__(
        self, keeping: Keeping, recipient: Recipient, result: HostResult, address: Callable[[Part], str] | None
    ) -> None:
        """`result` has a config. `address`: the URL of a part, where parts are published."""
        self.report = Report()
        self.parts: tuple[Part, ...] = ()
        self.shown = bool(result.secrets) and keeping.mode in ("", INLINE)
        self._keeping = keeping
        self._recipient = recipient
        self._address = address
        work = _work(result)
        self._entries = tainted_entries(work.output, secret_paths(result))
        if not keeping.mode:
            self.report.merge(refusal(recipient, self._entries, lint=work.options.lint))
        self.config = self.public(result)

    def unpublished(self, error: DeliveryError) -> list[Entry]:
        """The errors of a config with secrets that has no private place to be published to."""
        hint = error.hint or way_out("secret-in-user-data")
        return [
            Entry(ERROR, "secret-in-user-data", f"{each.name} is made of a secret: {error}", each.place, hint, related=each.related)
            for each in self._entries[:1]
        ]

    def public(self, result: HostResult) -> Config:
        """The config that is handed over; `result` is that of the same host, compiled with the same options or with others."""
        work = _work(result)
        if not result.secrets or self._keeping.mode in ("", INLINE):
            return work.output
        if work.wraps:
            why = "has no links to decrypted files" if self._keeping.mode == TANG else "merges no other config"
            message = f"{work.row} makes a MachineConfig, which {why}"
            return self._not_kept(work, message, "keep the secret in a Secret of the cluster, or give --raw")
        if self._keeping.mode == TANG:
            return self._for_tang(work, secret_paths(result))
        return self._split(work, secret_paths(result))

    def _for_tang(self, work: Compilation, secrets: list[Path]) -> Config:
        assert self._keeping.server is not None  # the command line has named one
        config, report = with_tang(work.output, tainted_entries(work.output, secrets), self._keeping.server)
        self.report.merge(report)
        return config

    def _split(self, work: Compilation, secrets: list[Path]) -> Config:
        try:
            found = split(work.output, secrets, work.row.spec)
        except NotSplitError as error:
            return self._not_kept(work, f"the config is not valid without its secrets: {error}", way_out("secret-not-split"))
        assert found.private is not None  # there are secrets
        assert self._address is not None  # the command line has named a place
        if not self.parts:
            private, spec, report = fitted(found.private, work.row.spec, self._recipient)
            self.report.merge(report)
            self.parts = (private_part(private, spec, self._keeping.salt),)
        return referring(found.public, self.parts[0], self._address)

    def _not_kept(self, work: Compilation, message: str, hint: str) -> Config:
        """The config as it is, with an error at the first of its secrets."""
        entry, code = self._entries[0], "secret-not-for-tang" if self._keeping.mode == TANG else "secret-not-split"
        self.report.entries.append(Entry(ERROR, code, message, entry.place, hint, related=entry.related))
        return work.output


def _work(result: HostResult) -> Compilation:
    assert result.compilation is not None  # a result with an output has one
    return result.compilation
