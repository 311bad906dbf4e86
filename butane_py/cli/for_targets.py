"""`--target NAME CONFIG`: configs for other systems. `--check` with several targets is the report of a migration.

Each config is compiled once; each target then makes its outputs of it, and reports what it cannot say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from butane_py import render, targets
from butane_py.cli.batch import collect
from butane_py.cli.job import DONE, REFUSED, Job
from butane_py.cli.one import SHOWN_STDIN
from butane_py.files import Identity, identity, write_output
from butane_py.pipeline import compiled
from butane_py.resources import gzip_stream
from butane_py.targets import Emission
from butane_py.targets.model import Chosen, TargetError
from butane_py.targets.options import TargetOptions, read_options, with_options
from butane_py.targets.subjects import Subject, is_ignition, subject_of, subject_of_ignition
from ignition_py.goflags import UsageError, Values
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import ERROR, INFO, ConfigError, Entry, Place, Report
from ignition_py.system.streams import read_stdin, reason, say, write_stdout

_OTHER_WAYS = ("watch", "fix", "diff", "source-map", "raw", "jobs")
_JSON_SUFFIXES = (".ign", ".json")


class Group(Record):
    """The report of one config for one target (name "": of the config itself), and the texts that its places are in."""

    config: str
    target: str
    report: Report
    texts: dict[str, bytes]


class Wish(Record):
    """What the command line asks for: the targets, where outputs go, and which part of them."""

    job: Job
    chosen: tuple[Chosen, ...]
    _: KW_ONLY
    options: TargetOptions | None
    options_text: tuple[str, bytes] | None
    part: str
    output: str
    folder: str
    gzip: bool


def compile_for_targets(values: Values, job: Job, operands: Sequence[str]) -> int:
    """Writes the configs for the targets of the command line, and their reports; the exit status. Raises UsageError, OSError."""
    wish = _wish(values, job)
    groups: list[Group] = []
    status = DONE
    if wish.folder or len(operands) > 1:
        items = [(item.path, _without_json_suffix(item.target)) for item in collect(operands, wish.folder)]
    else:
        items = [(operands[0] if operands and operands[0] != "-" else "", "")]
    inputs = {identity(path) for path, _ in items if path}
    for path, stem in items:
        run = _Run(wish, path, stem, inputs)
        status = max(status, run.all())
        groups += run.groups
    if job.style == "sarif":
        from ignition_py.report.sarif import sarif

        job.tell(
            sarif([(group.config, group.report) for group in groups]), config_to_stdout=not (wish.folder or wish.output)
        )
    return status


def _wish(values: Values, job: Job) -> Wish:
    """What is asked for. Raises UsageError, OSError."""
    names = values.texts("target")
    if not names:
        raise UsageError("--target-options, --target-part and --gzip go with --target")
    for flag in _OTHER_WAYS:
        if values.given(flag):
            raise UsageError(f"--{flag} does not go with --target")
    try:
        chosen = tuple({str(each): each for each in map(targets.choose, names)}.values())
    except TargetError as error:
        raise UsageError(str(error)) from None
    plain = [str(each) for each in chosen if not each.target.gzips]
    if values.on("gzip") and plain:
        raise UsageError(f"{' and '.join(plain)} cannot be handed over compressed: leave --gzip out")
    folder, part = values.text("output-dir"), values.text("target-part")
    if len(chosen) > 1 and not (folder or job.check):
        raise UsageError("several targets need --output-dir, or --check to see what each of them cannot say")
    if part and (len(chosen) > 1 or folder):
        raise UsageError("--target-part goes with one target, and not with --output-dir, which writes all parts")
    options, text = None, None
    if values.given("target-options"):
        name = values.text("target-options")
        with open(name, "rb") as file:
            text = (name, file.read())
        try:
            options = read_options(text[1], name)
        except ConfigError as error:
            shown = render.pretty(error.report, text[1], colour=job.colour)
            raise UsageError(f"{error.message}\n{shown}".rstrip()) from None
    output = values.text("output")
    return Wish(
        job,
        chosen,
        options=options,
        options_text=text,
        part=part,
        output="" if output == "-" else output,
        folder=folder,
        gzip=values.on("gzip"),
    )


def _without_json_suffix(stem: str) -> str:
    root, suffix = os.path.splitext(stem)
    return root if suffix in _JSON_SUFFIXES else stem


class _Run:
    """One config on its way to all targets."""

    def __init__(self, wish: Wish, path: str, stem: str, inputs: set[Identity | None]) -> None:
        self._wish = wish
        self._path = path
        self._stem = stem
        self._inputs = inputs
        self._name = path or SHOWN_STDIN
        self._texts: dict[str, bytes] = dict([wish.options_text] if wish.options_text else [])
        self.groups: list[Group] = []

    def all(self) -> int:
        """Makes and writes every output; the exit status. Raises OSError for the standard streams."""
        try:
            data = read_stdin() if not self._path else _contents(self._path)
        except OSError as error:
            if not self._path:
                raise
            self._tell(
                "", Report([Entry(ERROR, "input-file", reason(error), Place((), source=self._name))]), wrote=False
            )
            return REFUSED
        self._texts[self._name] = data
        subject, report = self._subject(data)
        refused = subject is None or self._refuses(report)
        if len(report) or self._wish.job.style == "json":
            self._tell("", report, wrote=not refused)
        if subject is None or refused:
            return REFUSED
        if self._wish.options is not None:
            subject = subject.but(options=with_options(subject.options, self._wish.options))
        return max(self._one(subject, chosen) for chosen in self._wish.chosen)

    def _subject(self, data: bytes) -> tuple[Subject | None, Report]:
        if is_ignition(data):
            return subject_of_ignition(data, self._name)
        try:
            options = self._wish.job.options_for(self._name).but(target=str(self._wish.chosen[0]))
            work = compiled(data, self._name, options)
        except ConfigError as error:  # of the linter's settings and rules
            return None, Report(
                [Entry(ERROR, "lint-settings", error.message, Place((), source=self._name), error.hint)]
            )
        return (None if work.report.fatal else subject_of(work)), work.report

    def _refuses(self, report: Report) -> bool:
        return report.fatal or (self._wish.job.strict and any(entry.severity != INFO for entry in report))

    def _one(self, subject: Subject, chosen: Chosen) -> int:
        emission = targets.emit(subject, chosen, pretty=self._wish.job.options.pretty)
        report = emission.report
        if not self._refuses(report):
            problem = self._written(emission)
            if problem is not None:
                report = Report([*report, problem])
        refused = self._refuses(report)
        self._tell(str(chosen), report, wrote=not refused)
        return REFUSED if refused else DONE

    def _written(self, emission: Emission) -> Entry | None:
        """Writes the outputs, or checks those that have a published schema; what is wrong with that."""
        wish, outputs = self._wish, emission.outputs
        if wish.gzip and outputs and not wish.job.check:
            main = next(iter(outputs))
            outputs = {
                (f"{part}.gz" if part == main else part): gzip_stream(data) if part == main else data
                for part, data in outputs.items()
            }
        try:
            if wish.job.check:
                return self._checked(outputs)
            if wish.folder:
                for part, contents in outputs.items():
                    target = f"{self._stem}.{part}"
                    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
                    write_output(target, contents, private=wish.job.private, changed_only=True, inputs=self._inputs)
                return None
            if wish.part and wish.part not in outputs:
                return self._failure(
                    "output-file", f"{emission.chosen} has no part {wish.part!r} here; it has {', '.join(outputs)}"
                )
            if not wish.part and len(outputs) > 1:
                hint = f"give --output-dir, or --target-part with one of {', '.join(outputs)}"
                return self._failure(
                    "output-file", f"{emission.chosen} makes {len(outputs)} outputs of this config", hint
                )
            contents = outputs[wish.part] if wish.part else next(iter(outputs.values()), b"")
            if wish.output:
                write_output(wish.output, contents, private=wish.job.private, changed_only=True, inputs=self._inputs)
            else:
                write_stdout(contents)
        except OSError as error:
            if not (wish.output or wish.folder):
                raise
            return self._failure("output-file", reason(error))
        return None

    def _checked(self, outputs: dict[str, bytes]) -> Entry | None:
        from butane_py.published import violations

        for part, contents in outputs.items():
            if part.endswith(".ign"):
                found = violations(contents.decode("utf-8", "replace"))
                if found:
                    return self._failure("schema", found[0])
        return None

    def _failure(self, code: str, message: str, hint: str = "") -> Entry:
        return Entry(ERROR, code, message, Place((), source=self._name), hint)

    def _tell(self, target: str, report: Report, *, wrote: bool) -> None:
        """Writes the report of one target; SARIF is written for all of them at the end."""
        job = self._wish.job
        self.groups.append(Group(self._name, target, report, self._texts))
        to_stdout = not (self._wish.output or self._wish.folder)
        if job.style == "json":
            from ignition_py.report.data import json_line

            job.tell(json_line(self._name, report, target=target), config_to_stdout=to_stdout)
        elif job.style == "raw":
            job.tell(
                "".join(f"{target}: {line}\n" if target else f"{line}\n" for line in render.raw(report).splitlines()),
                config_to_stdout=to_stdout,
            )
        elif job.style == "text":
            entries = [
                render.pretty(Report([entry]), self._texts.get(entry.place.source, b""), colour=job.colour)
                for entry in report
            ]
            say("".join(entries) + self._summary(target, report, wrote=wrote))

    def _summary(self, target: str, report: Report, *, wrote: bool) -> str:
        """The line below a report: what was found, and whether something was written."""
        head = f"{self._name}: {target}: " if target else f"{self._name}: "
        if len(report):
            nothing = "" if wrote or self._wish.job.check else "; nothing was written"
            return f"{head}{render.summary(report)}{nothing}\n"
        return f"{head}nothing is lost\n" if self._wish.job.check else ""


def _contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
