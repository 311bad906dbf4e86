"""Why a stage failed: one screen for whoever looks at the console, and the same as JSON for programs.

    cli.py catches the error -> report_failure(): one line at once -> places of the config -> screen to log and console
        -> the report of the boot, failure.json and failure.txt beside the state file -> a disk (kept.py)

It names the stage, what was being done, the entry of the config and where it stands, the tool's own words, what to do
and where the whole log lies. It holds no config and no secrets: it is made from messages, which hold none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ignition_py import __version__
from ignition_py.context import Options
from ignition_py.record import Record
from ignition_py.report.diag import ERROR, ConfigError, IgnitionError, Place, path_text
from ignition_py.system.host import write_private
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError

JSON_NAME, TEXT_NAME = "failure.json", "failure.txt"
_STEPS = 16  # of a stack
_FINDINGS = 5  # errors in a config
_WIDTH = 400  # characters of a line; a console wraps it


class Failure(Record):
    """All that the screen shows. `said` are lines below the heading `about`; `written` is the place in the YAML that the config
    was compiled from; `earlier` is about the first boot that failed."""

    stage: str
    what: str
    hint: str = ""
    place: Place | None = None
    written: Place | None = None
    about: str = ""
    said: tuple[str, ...] = ()
    command: str = ""
    log: str = ""
    report: str = ""
    earlier: str = ""

    @classmethod
    def of(cls, stage: str, error: Exception) -> Failure:
        """The failure by what the error itself says; nothing is looked up."""
        if isinstance(error, IgnitionError):
            return cls._stated(stage, error)
        if isinstance(error, OSError) and isinstance(error.strerror, str):
            paths = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
            return cls._unforeseen(stage, ": ".join((error.strerror, *paths)), error)
        return cls._unforeseen(
            stage, f"a defect of ignition-py {__version__}: {type(error).__name__}; please report it", error
        )

    @classmethod
    def _stated(cls, stage: str, error: IgnitionError) -> Failure:
        failure = cls(stage, error.message, hint=error.hint, place=error.place, written=error.written)
        if isinstance(error, CommandError):
            failure.what, failure.command = error.summary, error.command
            failure.about, failure.said = "the program said:", error.said
        elif isinstance(error, ConfigError) and error.report.fatal:
            found = [entry for entry in error.report if entry.severity == ERROR]
            lines = [entry.raw() + (f" ({entry.hint})" if entry.hint else "") for entry in found[:_FINDINGS]]
            if len(found) > _FINDINGS:
                lines.append(f"and {len(found) - _FINDINGS} more errors")
            failure.about, failure.said = "the check of the config said:", tuple(lines)
            failure.place = failure.place or found[0].place
        return failure

    @classmethod
    def _unforeseen(cls, stage: str, what: str, error: BaseException) -> Failure:
        """An error that no stage has turned into a sentence: where it happened, without values, which can be secret."""
        lines = []
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            file = code.co_filename.rpartition("/ignition_py/")[2]
            lines.append(f"in {code.co_qualname}, {file} line {step.tb_lineno}")
            step = step.tb_next
        return cls(stage, what, about="where it happened:", said=tuple(lines[-_STEPS:]))

    def hide(self, hide: Callable[[str], str]) -> None:
        """Takes the secrets of the config out of what others have said."""
        self.what, self.hint, self.command = hide(self.what), hide(self.hint), hide(self.command)
        self.said = tuple(map(hide, self.said))

    def screen(self) -> list[str]:
        """The lines for a console; at most 24, the size of the smallest one."""
        lines = [f"Ignition failed in stage {self.stage}", f"  {self.what}"]
        if self.place is not None:
            lines.append(f"  asked for by: {_position(self.place)}")
        if self.written is not None:
            lines.append(f"  written as: {_position(self.written)}")
        if self.said:
            lines += [f"  {self.about}", *(f"    {line}" for line in self.said)]
        for name, value in (
            ("command", self.command),
            ("what to do", self.hint),
            ("the first boot that failed", self.earlier),
            ("whole log", self.log),
            ("what was done before", self.report),
        ):
            if value:
                lines.append(f"  {name}: {value}")
        return [_one_line(line) for line in lines]

    def data(self) -> dict[str, Any]:
        """The same for programs; what is not known is null."""
        return {
            "stage": self.stage,
            "message": _one_line(self.what),
            **(_position_data(self.place) or dict.fromkeys(("entry", "source", "line", "column"))),
            "written": _position_data(self.written),
            "said": [_one_line(line) for line in self.said],
            "command": _one_line(self.command) or None,
            "hint": self.hint or None,
            "log": self.log or None,
            "report": self.report or None,
        }

    def write(self, folder: str) -> None:
        """Leaves both forms in `folder` (mode 0600). Raises IgnitionError."""
        text = "".join(f"{line}\n" for line in self.screen())
        data = (json.dumps(self.data(), indent=2) + "\n").encode()
        write_private(f"{folder}/{JSON_NAME}", data, what="the failure")
        write_private(f"{folder}/{TEXT_NAME}", text.encode("utf-8", "replace"), what="the failure")


def report_failure(log: Log, options: Options, error: Exception) -> None:
    """Tells why a stage failed: on the console, in the log, in the report, beside the state file and on a disk. Raises nothing.

    One line is shown before anything else. What is added to it can fail in its turn (configs are rendered and compiled
    again, a disk is mounted): then the failure is shown without it.
    """
    failure = Failure.of(options.stage, error)
    failure.hide(log.hide)
    if log.console is not None:
        log.console.say(f"stage {options.stage} failed: {_one_line(failure.what)}")
    _attempt(log, "looking for the place in the config", lambda: find_places(failure, options.config_cache, flatcar=options.flatcar))
    failure.log = log.where
    recorder = log.recorder
    if recorder is not None:
        failure.report = recorder.path
        _attempt(log, "recording the failure", lambda: recorder.end(failure.data()))
    _attempt(log, "writing the failure to the log", lambda: log.failure(failure.screen()))
    _attempt(log, "writing the failure beside the state file", lambda: failure.write(options.folder))
    _attempt(log, "keeping the failure over the reboot", lambda: _keep(log, options, failure))


def _attempt(log: Log, what: str, step: Callable[[], object]) -> None:
    try:
        step()
    except Exception as problem:  # whatever it is, it must not hide the failure that is being reported
        log.info(f"{what}: {Failure.of('', problem).what}")


def find_places(failure: Failure, config_cache: str = "", *, flatcar: bool = False) -> None:
    """Adds where the entry stands that asked for what failed: in its own config, and in the YAML of that."""
    from ignition_py.sources import original
    from ignition_py.yaml_places import written

    place = failure.place
    if place is None or not place.source:
        return
    if place.source == config_cache:
        failure.place, failure.written = original(place, config_cache, flatcar=flatcar)
    elif failure.written is None:
        failure.written = written(place)
    # A place in JSON that was made of a Butane config under its name is nobody's.
    if failure.place is not None and failure.written is not None and failure.written.source == failure.place.source:
        failure.place, failure.written = failure.written, None


def _keep(log: Log, options: Options, failure: Failure) -> None:
    from ignition_py.kept import keep

    keep(log, options.stage, options.root, failure)
    if failure.earlier:
        log.notice(f"the first boot that failed: {failure.earlier}")
        failure.write(options.folder)


def forget(folder: str, stage: str) -> None:
    """Takes away what an earlier, failed run of this stage left, once the stage has succeeded."""
    path = f"{folder}/{JSON_NAME}"
    if not os.path.exists(path):
        return
    try:
        with open(path, "rb") as file:
            if json.load(file)["stage"] != stage:
                return
        for name in (JSON_NAME, TEXT_NAME):
            os.unlink(f"{folder}/{name}")
    except (OSError, ValueError, KeyError, TypeError):
        return


def _position(place: Place) -> str:
    position = f", line {place.line} col {place.column}" if place.line else ""
    return f"{path_text(place.path)}{position}" + (f" of {place.source}" if place.source else "")


def _position_data(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    position = {"source": _one_line(place.source), "line": place.line, "column": place.column}
    return {"entry": path_text(place.path), **{name: value or None for name, value in position.items()}}


def _one_line(text: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text[: _WIDTH + 1])
    return shown if len(text) <= _WIDTH else f"{shown[:_WIDTH]}…"
