"""The files of a build: one a host in the folder, the manifest beside them, and what became of the files of hosts that are gone."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from butane_py.cli.one import BAD, CHECKED, UNCHANGED, WRITTEN, as_bytes, derived_target, write_map, write_result
from butane_py.files import Identity, read_input, write_output
from butane_py.fleet import manifest
from butane_py.fleet.inventory.model import Inventory
from butane_py.fleet.outcomes import Outcome
from butane_py.result import Result
from ignition_py.report.diag import ERROR, Entry, Place
from ignition_py.system.streams import reason

if TYPE_CHECKING:
    from butane_py.cli.building import Request
    from butane_py.cli.job import Job
    from butane_py.deliver.ladder import Wish
    from butane_py.deliver.model import Delivery


class Writer:
    """Writes the outputs of one build. `folder` is "" where one config goes to a file or to standard output."""

    def __init__(self, request: Request, inventory: Inventory | None) -> None:
        self._request = request
        self._inventory = inventory
        self._made: dict[str, dict[str, object]] = {}
        self._private = False  # True if one of the files of this build is for its owner only
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
        if outcome.delivery is not None and self._request.wish is not None:
            return self._written_delivery(outcome, outcome.delivery, self._request.wish, inputs, job)
        if not self.folder:
            return write_result(job, result, output, self._request.output, inputs, sync=True)
        stem = os.path.join(self.folder, outcome.name or _stem(outcome.source))
        if outcome.outputs:
            return self._written_parts(outcome, stem, inputs, private=job.private)
        target, header = (f"{stem}.bu", b"") if self._request.butane else derived_target(output, stem)
        state = write_result(job, result, output, target, inputs, sync=False, header=header)
        self._note(outcome, as_bytes(output), os.path.basename(target))
        return state

    def _written_delivery(
        self, outcome: Outcome, delivery: Delivery, wish: Wish, inputs: Collection[Identity | None], job: Job
    ) -> str:
        """Writes what hands the user data of a host over, and the source map beside it; the state. Raises OSError."""
        target, data = self._request.output, wish.written(outcome.name, delivery)
        if self.folder:
            name = outcome.name or _stem(outcome.source)
            target = os.path.join(self.folder, name + wish.emit.suffix)
            data = wish.emit.write(name, delivery.user_data)
        new = write_output(target, data, private=job.private, changed_only=True, sync=not self.folder, inputs=inputs)
        write_map(job, outcome.source_map, target, inputs)
        self._note(outcome, data, os.path.basename(target), manifest.delivered(delivery, wish))
        self._private |= job.private
        return WRITTEN if new else UNCHANGED

    def _written_parts(self, outcome: Outcome, stem: str, inputs: Collection[Identity | None], *, private: bool) -> str:
        """Writes all outputs of a target; the state. Raises OSError."""
        new = False
        for part, contents in outcome.outputs.items():
            path = f"{stem}.{part}"
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            new |= write_output(path, contents, private=private, changed_only=True, sync=False, inputs=inputs)
        self._note(outcome, as_bytes(outcome.output or ""), f"{os.path.basename(stem)}.{next(iter(outcome.outputs))}")
        return WRITTEN if new else UNCHANGED

    def _note(self, outcome: Outcome, data: bytes, file: str, delivery: Mapping[str, Any] = manifest.NOT_DELIVERED) -> None:
        if self._inventory is not None:
            groups = [group.name for group in self._inventory.groups_of(self._inventory.hosts[outcome.name])]
            spec = outcome.delivery.spec if outcome.delivery is not None else outcome.spec
            self._made[outcome.name] = manifest.entry(file, data, spec, outcome.source, groups, outcome.public, delivery)

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
        self._write_fleet(now)
        write_output(os.path.join(self.folder, manifest.NAME), now.text().encode(), changed_only=True, sync=False)
        return notes

    def _write_fleet(self, now: manifest.Manifest) -> None:
        """Writes the file that all hosts have in common, where the form of --emit has one. Raises OSError."""
        wish = self._request.wish
        if wish is None or not wish.emit.fleet:
            return
        from butane_py.deliver.forms import tfvars

        found = {name: read_input(os.path.join(self.folder, each["file"])) for name, each in now.hosts.items()}
        target = os.path.join(self.folder, wish.emit.fleet)
        write_output(target, tfvars(found), private=self._private or self._request.job.private, changed_only=True, sync=False)


def _stem(path: str) -> str:
    root, suffix = os.path.splitext(os.path.basename(path))
    return root if suffix in (".bu", ".butane", ".yaml", ".yml") else os.path.basename(path)


def _entry(code: str, message: str, name: str) -> Entry:
    """An error that is not about a place of a text."""
    return Entry(ERROR, code, message, Place((), source=name))
