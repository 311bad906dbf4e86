"""Reads entries of an old config: fields by name, with their types and the version they came in, and says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ignition_py.report.diag import ERROR, WARNING, Path, Report
from ignition_py.spec.jsontext import JsonDocument, JsonOrigin
from ignition_py.spec.unknown import Answer, place_name, typo
from ignition_py.spec.words import FOUND, WANTED
from ignition_py.spec.words import found as word_of

_WANTED = {**FOUND, int: WANTED["int"]}


class Unreadable(Exception):  # the report has the error
    """A value has the wrong type: the config cannot be read."""


class Reader:
    """One object of the config. What is not asked for is reported as an unknown key (`done()`)."""

    def __init__(self, raw: dict[str, Any], path: Path, document: JsonDocument, version: int, report: Report) -> None:
        self.raw = raw
        self.path = path
        self.document = document
        self.version = version
        self.report = report
        self._asked: set[str] = set()
        self._newer: dict[str, int] = {}  # fields of later versions, with the minor version that they came with

    @property
    def origin(self) -> JsonOrigin:
        return JsonOrigin(self.document, self.path)

    def refuse(self, code: str, message: str, *more: str | int, hint: str = "") -> None:
        """Reports what spec 3 cannot say."""
        self.report.add(ERROR, code, message, self.document.place((*self.path, *more)), hint)

    def warn(self, code: str, message: str, *more: str | int) -> None:
        self.report.add(WARNING, code, message, self.document.place((*self.path, *more)))

    def _value(self, name: str, wanted: type, since: int) -> Any:
        if self.version < since:
            self._newer[name] = since
            return None
        self._asked.add(name)
        value = self.raw.get(name)
        if value is not None and type(value) is not wanted:
            self._wrong(value, wanted, name)
        return value

    def _wrong(self, value: Any, wanted: type, *more: str | int) -> None:
        what = word_of(value)
        self.refuse("wrong-type", f"{more[-1]} is {what}; it has to be {_WANTED[wanted]}", *more)
        raise Unreadable

    def text(self, name: str, since: int = -1) -> str:
        """A string, "" where it is not there."""
        return str(self._value(name, str, since) or "")

    def given(self, name: str, since: int = -1) -> str | None:
        """A string, None where it is empty or not there: the old spec does not tell them apart."""
        return self.text(name, since) or None

    def maybe_text(self, name: str, since: int = -1) -> str | None:
        """A string, None where it is not there."""
        value: str | None = self._value(name, str, since)
        return value

    def number(self, name: str, since: int = -1) -> int | None:
        value: int | None = self._value(name, int, since)
        return value

    def on(self, name: str, since: int = -1) -> bool:
        return bool(self._value(name, bool, since))

    def switch(self, name: str, since: int = -1) -> bool | None:
        """True, or None where it is false or not there."""
        return True if self.on(name, since) else None

    def maybe_on(self, name: str, since: int = -1) -> bool | None:
        value: bool | None = self._value(name, bool, since)
        return value

    def texts(self, name: str, since: int = -1) -> tuple[str, ...]:
        values = self._value(name, list, since) or []
        for i, value in enumerate(values):
            if type(value) is not str:
                self._wrong(value, str, name, i)
        return tuple(values)

    def below(self, name: str, since: int = -1) -> Reader:
        """An object; an empty one where it is not there."""
        value = self._value(name, dict, since)
        return Reader(value or {}, (*self.path, name), self.document, self.version, self.report)

    def has(self, name: str, since: int = -1) -> bool:
        return self.version >= since and self.raw.get(name) is not None

    def each(self, name: str, since: int = -1) -> Iterator[Reader]:
        """The objects of a list; each is checked for keys that mean nothing when the next is asked for."""
        for i, value in enumerate(self._value(name, list, since) or []):
            if type(value) is not dict:
                self._wrong(value, dict, name, i)
            reader = Reader(value, (*self.path, name, i), self.document, self.version, self.report)
            yield reader
            reader.done()

    def done(self) -> None:
        for key in self.raw:
            if key not in self._asked:
                place = self.document.key_place((*self.path, key))
                answer = self._unknown(key)
                self.report.add(WARNING, "unused-key", answer.message, place, answer.hint)

    def _unknown(self, key: str) -> Answer:
        where = place_name((*self.path, key))
        if key in self._newer:
            own = f"2.{self.version}.0" if self.version >= 0 else "1"
            return Answer(f"unknown key `{key}` {where}: it came with spec 2.{self._newer[key]}.0; this config is {own}")
        return typo(key, where, self._asked)
