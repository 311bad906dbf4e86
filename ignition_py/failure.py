"""Why a stage failed: one screen for whoever looks at the console, and the same as JSON for programs.

    cli.py catches the error -> Failure -> screen() to log and console, write() beside the state file, data() to the report

It names the stage, what was being done, the entry of the config and where it stands, the tool's own words, what to do
and where the whole log lies. It holds no config and no secrets: it is made from messages, which hold none.
"""

from __future__ import annotations

import os

from ignition_py import __version__
from ignition_py.report.diag import ERROR, ConfigError, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ignition_py.report.diag import IgnitionError, Place

JSON_NAME, TEXT_NAME = "failure.json", "failure.txt"
_SAID = 8  # lines of a tool
_FINDINGS = 5  # errors in a config
_WIDTH = 400  # characters of a line; a console wraps it


class Failure:
    """All that the screen shows. `said` are lines of `tool`, or the errors in the config; `earlier` is about the first boot that failed."""

    __slots__ = ("earlier", "hint", "log", "place", "report", "said", "stage", "tool", "what", "written")

    def __init__(self, stage: str, what: str, *, hint: str = "", place: Place | None = None) -> None:
        self.stage = stage
        self.what = what
        self.hint = hint
        self.place = place
        self.written: Place | None = None  # in the YAML that the config was compiled from
        self.tool = ""
        self.said: tuple[str, ...] = ()
        self.log = ""
        self.report = ""
        self.earlier = ""

    @classmethod
    def of(cls, stage: str, error: IgnitionError) -> Failure:
        failure = cls(stage, error.message, hint=error.hint, place=error.place)
        failure.written = error.written
        stderr = getattr(error, "stderr", "")
        if stderr:
            lines = [line.strip() for line in stderr.splitlines()[-_SAID:] if line.strip()]
            end = ": " + "; ".join(lines)
            if lines and error.message.endswith(end):
                failure.what = error.message[: -len(end)]
            failure.tool, failure.said = "the program", tuple(lines)
        elif isinstance(error, ConfigError) and error.report.fatal:
            found = [entry for entry in error.report if entry.severity == ERROR]
            lines = [entry.raw() + (f" ({entry.hint})" if entry.hint else "") for entry in found[:_FINDINGS]]
            if len(found) > _FINDINGS:
                lines.append(f"and {len(found) - _FINDINGS} more errors")
            failure.tool, failure.said = "the check of the config", tuple(lines)
            failure.place = failure.place or found[0].place
        if failure.place is not None and failure.written is None and failure.place.source:
            from ignition_py.sources import written

            failure.written = written(failure.place)
        return failure

    @classmethod
    def defect(cls, stage: str, error: BaseException) -> Failure:
        """An exception that nobody foresaw: its type and where, without the values, which can be secret."""
        failure = cls(stage, f"a defect of ignition-py {__version__}: {type(error).__name__}; please report it")
        lines = []
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            file = code.co_filename.rpartition("/ignition_py/")[2]
            lines.append(f"in {code.co_qualname}, {file} line {step.tb_lineno}")
            step = step.tb_next
        failure.tool, failure.said = "the interpreter", tuple(lines[-2 * _SAID :])
        return failure

    def screen(self) -> list[str]:
        """The lines for a console; at most 24, the size of the smallest one."""
        lines = [f"Ignition failed in stage {self.stage}", f"  {self.what}"]
        if self.place is not None:
            lines.append(f"  asked for by: {self._where(self.place)}")
        if self.written is not None:
            lines.append(f"  written as: {self._where(self.written)}")
        if self.said:
            lines += [f"  {self.tool} said:", *(f"    {line}" for line in self.said)]
        if self.hint:
            lines.append(f"  what to do: {self.hint}")
        if self.earlier:
            lines.append(f"  the first boot that failed: {self.earlier}")
        if self.log:
            lines.append(f"  whole log: {self.log}")
        if self.report:
            lines.append(f"  what was done before: {self.report}")
        return [_one_line(line) for line in lines]

    @staticmethod
    def _where(place: Place) -> str:
        position = f", line {place.line} col {place.column}" if place.line else ""
        return f"{path_text(place.path)}{position}" + (f" of {place.source}" if place.source else "")

    def _written(self) -> dict[str, Any] | None:
        if self.written is None:
            return None
        place = self.written
        return {"entry": path_text(place.path), "source": _one_line(place.source), "line": place.line, "column": place.column}

    def data(self) -> dict[str, Any]:
        """The same for programs; what is not known is null."""
        place = self.place
        return {
            "stage": self.stage,
            "message": _one_line(self.what),
            "entry": path_text(place.path) if place is not None else None,
            "source": (place.source or None) if place is not None else None,
            "line": (place.line or None) if place is not None else None,
            "column": (place.column or None) if place is not None else None,
            "written": self._written(),
            "said": [_one_line(line) for line in self.said],
            "hint": self.hint or None,
            "log": self.log or None,
            "report": self.report or None,
        }

    def write(self, folder: str) -> None:
        """Leaves both forms in `folder` (mode 0600). That it cannot must not hide the failure."""
        import json

        from ignition_py.report.diag import IgnitionError
        from ignition_py.system.host import write_private

        text = "".join(f"{line}\n" for line in self.screen())
        try:
            write_private(f"{folder}/{JSON_NAME}", (json.dumps(self.data(), indent=2) + "\n").encode(), what="the failure")
            write_private(f"{folder}/{TEXT_NAME}", text.encode("utf-8", "replace"), what="the failure")
        except IgnitionError:
            return


def forget(folder: str, stage: str) -> None:
    """Takes away what an earlier, failed run of this stage left, once the stage has succeeded."""
    path = f"{folder}/{JSON_NAME}"
    if not os.path.exists(path):
        return
    import json

    try:
        with open(path, "rb") as file:
            if json.load(file)["stage"] != stage:
                return
        for name in (JSON_NAME, TEXT_NAME):
            os.unlink(f"{folder}/{name}")
    except (OSError, ValueError, KeyError, TypeError):
        return


def _one_line(text: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text[: _WIDTH + 1])
    return shown if len(text) <= _WIDTH else f"{shown[:_WIDTH]}…"
