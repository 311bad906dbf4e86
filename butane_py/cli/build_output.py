"""The files of a build: one a host in the folder, the manifest beside them, and what became of the files of hosts that are gone."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from butane_py.cli.one import BAD, CHECKED, UNCHANGED, WRITTEN, as_bytes, derived_target, write_result
from butane_py.files import Identity, write_output
from butane_py.fleet import manifest
from butane_py.fleet.inventory.model import Inventory
from butane_py.fleet.outcomes import Outcome
from butane_py.result import Result
from ignition_py.report.diag import ERROR, Entry, Place
from ignition_py.system.streams import reason

if TYPE_CHECKING:
    from butane_py.cli.building import Request
    from butane_py.deliver.model import Delivery


class Writer:
    """Writes the outputs of one build. `folder` is "" where one config goes to a file or to standard output."""

    def __init__(self, request: Request, inventory: Inventory | None) -> None:
        self._request = request
        self._inventory = inventory
        self._made: dict[str, dict[str, object]] = {}
        self.folder = request.output_dir

    def write(self, outcome: Outcome, inputs: Collection[Identity | None]) -> tuple[Outcome, str]:
        """Checks and writes an output, never onto one of `inputs`; the outcome, which may be refused now, and what became of it."""
        output = outcome.output
        if output is None:
            return outcome, BAD
        job = self._request.job
        if job.check:
            from butane_py.published import violations

            found = [] if self._request.butane or (outcome.outputs and not output.startswith("{")) else violations(output)
            if found:
                return outcome.refused(*(_entry("schema", message, outcome.source) for message in found)), BAD
            return outcome, CHECKED
        if self._request.shows or not (self.folder or self._request.output):
            return outcome, CHECKED
        try:
            return outcome, self._written(outcome, output, inputs)
        except OSError as error:
            return outcome.refused(_entry("output-file", reason(error), outcome.source)), BAD

    def _written(self, outcome: Outcome, output: str, inputs: Collection[Identity | None]) -> str:
        """Writes one output; the state. Configs with secrets are for their owner only. Raises OSError."""
        job = self._request.job
        job = job.but(private=job.private or outcome.secret)
        result = Result(output, outcome.result.report, outcome.source_map)
        if not self.folder and outcome.delivery is None:
            return write_result(job, result, output, self._request.output, inputs, sync=True)
        stem = os.path.join(self.folder, outcome.name or _stem(outcome.source))
        if outcome.delivery is not None:
            return self._written_delivery(outcome, outcome.delivery, f"{stem}.ign", inputs, private=job.private)
        if outcome.outputs:
            return self._written_parts(outcome, stem, inputs, private=job.private)
        target, header = (f"{stem}.bu", b"") if self._request.butane else derived_target(output, stem)
        state = write_result(job, result, output, target, inputs, sync=False, header=header)
        self._note(outcome, output, os.path.basename(target))
        return state

    def _written_delivery(
        self, outcome: Outcome, delivery: Delivery, path: str, inputs: Collection[Identity | None], *, private: bool
    ) -> str:
        """Writes the user data of a host; the state. Raises OSError."""
        target = path if self.folder else self._request.output
        new = write_output(
            target, delivery.user_data, private=private, changed_only=True, sync=not self.folder, inputs=inputs
        )
        return WRITTEN if new else UNCHANGED

    def _written_parts(self, outcome: Outcome, stem: str, inputs: Collection[Identity | None], *, private: bool) -> str:
        """Writes all outputs of a target; the state. Raises OSError."""
        new = False
        for part, contents in outcome.outputs.items():
            path = f"{stem}.{part}"
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            new |= write_output(path, contents, private=private, changed_only=True, sync=False, inputs=inputs)
        self._note(outcome, outcome.output or "", f"{os.path.basename(stem)}.{next(iter(outcome.outputs))}")
        return WRITTEN if new else UNCHANGED

    def _note(self, outcome: Outcome, output: str, file: str) -> None:
        if self._inventory is not None:
            groups = [group.name for group in self._inventory.groups_of(self._inventory.hosts[outcome.name])]
            self._made[outcome.name] = manifest.entry(
                file, as_bytes(output), outcome.spec, outcome.source, groups, outcome.public
            )

    def finish(self) -> list[str]:
        """Writes the manifest, and removes stale files where that is asked for; what there is to say of them. Raises OSError."""
        if self._inventory is None or not self.folder or self._request.job.check or self._request.shows:
            return []
        now = manifest.merged(manifest.read(self.folder), self._made, self._inventory.hosts, self.folder)
        notes = []
        if self._request.prune:
            removed, changed = manifest.prune(now, self.folder)
            notes += [f"removed {file}: its host is gone" for file in removed]
            notes += [f"{file} stays: its host is gone, but the file has been changed since it was written" for file in changed]
        elif now.stale:
            files = [each["file"] for each in now.stale.values()]
            shown = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
            notes.append(f"{shown}: written for hosts that are gone; --prune removes such files")
        write_output(os.path.join(self.folder, manifest.NAME), now.text().encode(), changed_only=True, sync=False)
        return notes


def _stem(path: str) -> str:
    root, suffix = os.path.splitext(os.path.basename(path))
    return root if suffix in (".bu", ".butane", ".yaml", ".yml") else os.path.basename(path)


def _entry(code: str, message: str, name: str) -> Entry:
    """An error that is not about a place of a text."""
    return Entry(ERROR, code, message, Place((), source=name))
