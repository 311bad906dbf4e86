"""What a target reports: at places of the source, each once, with the way out and how to skip."""

from __future__ import annotations

from butane_py.targets import codes  # noqa: F401  # declares the codes, whose ways out reports show
from ignition_py.report.diag import ERROR, INFO, WARNING, Entry, Place, Report


class Findings:
    """Collects the report of one target."""

    def __init__(self, target: str) -> None:
        self.report = Report()
        self._target = target
        self._seen: set[tuple[str, int, int, str]] = set()

    def error(self, code: str, message: str, place: Place, *, hint: str = "", skip: str = "") -> None:
        """Reports what the target cannot say. `skip` is what `targets.NAME.skip` would name to leave it out, "" for nothing."""
        if skip:
            way = f"targets.{self._target}.skip: [{_quoted(skip)}]"
            hint = f"{hint}; or leave it out: {way}" if hint else f"leave it out: {way}"
        self._add(ERROR, code, message, place, hint)

    def warning(self, code: str, message: str, place: Place, *, hint: str = "") -> None:
        self._add(WARNING, code, message, place, hint)

    def info(self, code: str, message: str, place: Place, *, hint: str = "") -> None:
        self._add(INFO, code, message, place, hint)

    def _add(self, severity: str, code: str, message: str, place: Place, hint: str) -> None:
        key = (code, place.line, place.column, message)
        if key not in self._seen:
            self._seen.add(key)
            self.report.entries.append(Entry(severity, code, message, place, hint))

    @property
    def fatal(self) -> bool:
        return self.report.fatal


def _quoted(text: str) -> str:
    """A path for the list of a hint, in quotes where YAML needs them."""
    plain = text.replace(".", "").replace("_", "").replace("-", "").replace("/", "").replace("@", "")
    return text if plain.isalnum() and text[0].isalpha() else f'"{text}"'
