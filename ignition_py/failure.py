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
from typing import TYPE_CHECKING, Any

from ignition_py import __version__
from ignition_py.context import Options
from ignition_py.failure_screen import Line, screen
from ignition_py.record import Record
from ignition_py.report.diag import ERROR, Cause, ConfigError, IgnitionError, Place, path_text
from ignition_py.system.host import write_private
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError

if TYPE_CHECKING:
    from ignition_py.author import Author
    from ignition_py.sources import Texts

JSON_NAME, TEXT_NAME = "failure.json", "failure.txt"
_STEPS = 16  # of a stack
_WIDTH = 400  # characters of a value
_READERS = ("fetch-offline", "fetch")  # stages that change nothing of the machine
_MEND = "Correct the config, and try it before the next boot: ignition-validate, or butane-py --check for Butane"


class Failure(Record):
    """All that the screen shows. `said` are lines below the heading `about`, and so are `causes`, each with its place; `written` is
    the place in the YAML that the config was compiled from; `changed` what has been changed so far; `earlier` is about the first
    boot that failed."""

    stage: str
    what: str
    hint: str = ""
    place: Place | None = None
    written: Place | None = None
    about: str = ""
    said: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    command: str = ""
    changed: str = ""
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
        changed = error.changed or ("nothing" if stage in _READERS else "")
        failure = cls(stage, error.summary, hint=error.hint, place=error.place, changed=changed)
        if isinstance(error, CommandError):
            failure.command = error.command
            failure.about, failure.said = "the program said:", error.said
        elif isinstance(error, ConfigError) and error.report.fatal:
            found = [entry for entry in error.report if entry.severity == ERROR]
            failure.about = "the check of the config said:"
            failure.causes = tuple(Cause(entry.sentence(), entry.place, entry.hint) for entry in found)
            failure.place = failure.place or found[0].place
            if not failure.hint:
                failure.hint = _MEND if len(found) > 1 else _sentence(found[0].hint) or _MEND
            if len(found) == 1:  # the rest of it has a line of its own
                failure.causes = (Cause(failure.causes[0].message),)
        elif error.causes:
            failure.about, failure.causes = "these are:", error.causes
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
        self._each(hide)
        self.command, self.said = hide(self.command), tuple(map(hide, self.said))

    def _each(self, change: Callable[[str], str]) -> None:
        """Changes the sentences that are the executor's own."""
        self.what, self.hint = change(self.what), change(self.hint)
        self.causes = tuple(cause.but(message=change(cause.message), hint=change(cause.hint)) for cause in self.causes)

    def lead_to_author(self, author: Author) -> None:
        """Names the places that the author of the config knows, and its keys as the author writes them."""
        from ignition_py.author import respelled

        found = author.place(self.place) if self.place is not None else None
        if found is not None:
            self.place, self.written = found.place, found.written
        causes = [(cause, author.place(cause.place)) if cause.place is not None else (cause, None) for cause in self.causes]
        self.causes = tuple(
            cause if known is None else cause.but(place=known.written or known.place) for cause, known in causes
        )
        if found is not None:
            self._each(lambda text: respelled(text, yaml=found.yaml))

    def screen(self) -> list[str]:
        """The lines for a console; at most 24 of 80 columns, the size of the smallest one."""
        return screen(self._lines())

    def lines(self) -> list[str]:
        """The same for a log: each whole, and all of the causes."""
        return [line.text for line in self._lines()]

    def _lines(self) -> list[Line]:
        lines = [Line(f"Ignition failed in stage {self.stage}"), Line(f"  {self.what}", 4)]
        if self.place is not None:
            lines.append(Line(f"  asked for by: {_position(self.place)}", 2))
        if self.written is not None:
            lines.append(Line(f"  written as: {_position(self.written)}", 2))
        if self.said or self.causes:
            lines.append(Line(f"  {self.about}"))
            lines += [Line(f"    {_one_line(text).strip()}", 3, optional=True) for text in self.said]
            lines += [Line(f"    {_shown(cause)}", 5, optional=True) for cause in self.causes]
        for name, value, most in (
            ("command", self.command, 2),
            ("what to do", self.hint, 4),
            ("changed so far", self.changed, 1),
            ("the first boot that failed", self.earlier, 2),
            ("whole log", self.log, 2),
            ("what was done before", self.report, 2),
        ):
            if value:
                lines.append(Line(f"  {name}: {value}", most))
        return [line.but(text=_one_line(line.text)) for line in lines]

    def data(self) -> dict[str, Any]:
        """The same for programs; what is not known is null."""
        return {
            "stage": self.stage,
            "message": _one_line(self.what),
            **(_position_data(self.place) or dict.fromkeys(("entry", "source", "line", "column"))),
            "written": _position_data(self.written),
            "said": [_one_line(line) for line in (*self.said, *map(_shown, self.causes))],
            "command": _one_line(self.command) or None,
            "hint": self.hint or None,
            "changed": self.changed or None,
            "log": self.log or None,
            "report": self.report or None,
        }

    def write(self, folder: str) -> None:
        """Leaves both forms in `folder` (mode 0600). Raises IgnitionError."""
        text = "".join(f"{line}\n" for line in self.screen())
        data = (json.dumps(self.data(), indent=2) + "\n").encode()
        write_private(f"{folder}/{JSON_NAME}", data, what="the failure")
        write_private(f"{folder}/{TEXT_NAME}", text.encode("utf-8", "replace"), what="the failure")


def report_failure(log: Log, options: Options, error: Exception, texts: Texts = ()) -> None:
    """Tells why a stage failed: on the console, in the log, in the report, beside the state file and on a disk. Raises nothing.

    One line is shown before anything else. What is added to it can fail in its turn (configs are rendered and compiled
    again, a disk is mounted): then the failure is shown without it. `texts`: name and text of the configs that the stage has fetched.
    """
    failure = Failure.of(options.stage, error)
    failure.hide(log.hide)
    if log.console is not None:
        log.console.say(f"stage {options.stage} failed: {_one_line(failure.what)}")
    _attempt(log, "looking for the place in the config", lambda: _find_places(failure, options, texts))
    failure.log = log.where
    recorder = log.recorder
    if recorder is not None:
        failure.report = recorder.path
        _attempt(log, "recording the failure", lambda: recorder.end(failure.data()))
    _attempt(log, "writing the failure to the log", lambda: log.failure(failure.lines(), failure.screen()))
    _attempt(log, "writing the failure beside the state file", lambda: failure.write(options.folder))
    _attempt(log, "keeping the failure over the reboot", lambda: _keep(log, options, failure))


def _attempt(log: Log, what: str, step: Callable[[], object]) -> None:
    try:
        step()
    except Exception as problem:  # whatever it is, it must not hide the failure that is being reported
        log.info(f"{what}: {Failure.of('', problem).what}")


def _find_places(failure: Failure, options: Options, texts: Texts) -> None:
    from ignition_py.author import Author

    failure.lead_to_author(Author(texts, options.config_cache, flatcar=options.flatcar))


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


def _shown(cause: Cause) -> str:
    """A cause in one line: the sentence, the place, the way out."""
    place = f" ({_position(cause.place)})" if cause.place is not None and cause.place.path else ""
    return _one_line(f"{cause.message}{place}" + (f". {cause.hint}" if cause.hint else ""))


def _position(place: Place) -> str:
    entry = [path_text(place.path)] if place.path or not place.line else []
    line = [f"line {place.line} col {place.column}"] if place.line else []
    return ", ".join([*entry, *line]) + (f" of {place.source}" if place.source else "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _position_data(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    position = {"source": _one_line(place.source), "line": place.line, "column": place.column}
    return {"entry": path_text(place.path), **{name: value or None for name, value in position.items()}}


def _one_line(text: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text[: _WIDTH + 1])
    return shown if len(text) <= _WIDTH else f"{shown[:_WIDTH]}…"
