"""Command lines in the two manners of the references: Go's `flag` package (`ignition`) and `pflag` (`butane`).

A command line is a table of `Flag` rows; `Parser.parse()` turns arguments into `Values`. argparse and click know
neither manner and cost more to import than a whole stage takes to start.

    GO     one or two dashes, `-flag=value` or `-flag value`; parsing stops at the first other argument
    POSIX  `--flag=value` or `--flag value`, short `-f value`, `-fvalue`, `-abc`; flags may follow other arguments

In both, `--` ends the flags, switches take a value only behind `=`, the last of several wins, and `-h`/`-help` asks for
help. Sources: the documentation of Go's packages `flag`, `time` (durations) and `strconv` (booleans), and of pflag.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ignition_py.record import KW_ONLY, Record

GO = "go"
POSIX = "posix"

SWITCH = "switch"
TEXT = "text"
DURATION = "duration"

TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_MICRO = ("us", "\u00b5s", "\u03bcs")  # two characters look like a Greek mu
_UNITS = {"ns": 1, **dict.fromkeys(_MICRO, 1_000), "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_HELP_COLUMN = 28
_NOTHING: dict[str, str | float | bool] = {SWITCH: False, TEXT: "", DURATION: 0.0}


class UsageError(Exception):
    """The command line is wrong; the message says how. The program shows it with `Parser.usage()` and exits with 2."""


class HelpRequested(Exception):  # a wish, not an error
    """Help was asked for; the program shows `Parser.usage()` and exits with 0."""


class Flag(Record):
    """One row of a command line's table.

    `kind` is SWITCH, TEXT or DURATION (seconds as float). `text` is its help. `default`: None is the kind's own.
    `bare` is the value of a TEXT flag that is given without one (pflag's NoOptDefVal). `choices` bounds a TEXT flag;
    `noun` names what it chooses. `hidden` leaves it out of the help.
    """

    name: str
    kind: str
    text: str
    _: KW_ONLY
    default: str | float | bool | None = None
    short: str = ""
    noun: str = ""
    bare: str | None = None
    choices: tuple[str, ...] = ()
    hidden: bool = False


class Values:
    """What the command line said: flags by name, and the other arguments in order."""

    __slots__ = ("_every", "_given", "_values", "arguments")

    def __init__(self, flags: Sequence[Flag]) -> None:
        self._values = {flag.name: _NOTHING[flag.kind] if flag.default is None else flag.default for flag in flags}
        self._given: set[str] = set()
        self._every: list[tuple[str, str]] = []
        self.arguments: tuple[str, ...] = ()

    def set(self, flag: Flag, value: str | float | bool) -> None:
        self._given.add(flag.name)
        self._every.append((flag.name, str(value)))
        self._values[flag.name] = value

    def given(self, name: str) -> bool:
        """True if the flag is on the command line."""
        return name in self._given

    def text(self, name: str) -> str:
        return str(self._values[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value that is given for a flag, in order."""
        return tuple(value for other, value in self._every if other == name)

    def on(self, name: str) -> bool:
        return self._values[name] is True

    def seconds(self, name: str) -> float:
        value = self._values[name]
        assert isinstance(value, float)
        return value


class Parser(Record):
    """A command: name, flags, what else it takes (`operands`, as the usage line shows it), what it does (`about`).

    `more` ends the help.
    """

    program: str
    flags: tuple[Flag, ...]
    _: KW_ONLY
    manner: str = GO
    about: str = ""
    operands: str = ""
    more: str = ""

    def parse(self, argv: Sequence[str]) -> Values:
        """Parses the arguments behind the program's name. Raises UsageError, HelpRequested."""
        values = Values(self.flags)
        others: list[str] = []
        rest = list(argv)
        while rest:
            word = rest.pop(0)
            if word == "--":
                others += rest
                break
            if len(word) < 2 or word[0] != "-":
                others.append(word)
                if self.manner == GO:
                    others += rest
                    break
            elif self.manner == GO or word.startswith("--"):
                self._take_long(values, word, rest)
            else:
                self._take_short(values, word, rest)
        values.arguments = tuple(others)
        return values

    def _take_long(self, values: Values, word: str, rest: list[str]) -> None:
        name, equals, value = word[2 if word.startswith("--") else 1 :].partition("=")
        if not name or name[0] == "-":
            raise UsageError(f"{word!r} is not a flag")
        flag = next((flag for flag in self.flags if flag.name == name), None)
        if flag is None:
            if name == "help" or (name == "h" and self.manner == GO):
                raise HelpRequested
            raise UsageError(f"there is no flag --{name}")
        self._take_value(values, flag, f"--{name}", value if equals else None, rest)

    def _take_short(self, values: Values, word: str, rest: list[str]) -> None:
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = next((flag for flag in self.flags if flag.short == letter), None)
            if flag is None:
                if letter == "h":
                    raise HelpRequested
                raise UsageError(f"there is no flag -{letter}" + (f" (in {word})" if len(word) > 2 else ""))
            if letters.startswith("="):
                self._take_value(values, flag, f"-{letter}", letters[1:], rest)
                return
            if letters and flag.bare is None and flag.kind != SWITCH:
                self._take_value(values, flag, f"-{letter}", letters, rest)
                return
            self._take_value(values, flag, f"-{letter}", None, rest)

    def _take_value(self, values: Values, flag: Flag, shown: str, value: str | None, rest: list[str]) -> None:
        if value is None:
            value = "true" if flag.kind == SWITCH else flag.bare
        if value is None:
            if not rest:
                raise UsageError(f"{shown} needs a value")
            value = rest.pop(0)
        values.set(flag, _convert(flag, shown, value))

    def usage(self) -> str:
        """The help text."""
        lines = [f"usage: {self.program} [flags]" + (f" {self.operands}" if self.operands else "")]
        if self.about:
            lines += ["", self.about]
        lines += ["", "flags:"]
        for flag in self.flags:
            if not flag.hidden:
                lines += self._row(flag)
        lines += _columns("  -h, --help", "show this help")
        if self.more:
            lines += ["", self.more]
        return "\n".join(lines) + "\n"

    def _row(self, flag: Flag) -> list[str]:
        left = f"  -{flag.short}, " if flag.short else "      "
        left += f"--{flag.name}"
        if flag.kind != SWITCH:
            noun = flag.noun or flag.kind
            left += f"[={noun}]" if flag.bare is not None else f" {noun}"
        text = flag.text
        if flag.default and flag.kind != SWITCH:
            text += f" (default {_seconds_text(flag.default) if isinstance(flag.default, float) else flag.default})"
        if flag.choices:
            text += ": " + " ".join(flag.choices)
        return _columns(left, text)

    def attempt(self, argv: Sequence[str], version: str) -> Values | int:
        """The values; the exit status where help or the `version` was asked for or the arguments are wrong, and that is written.

        Help goes to standard error, where the references write it.
        """
        try:
            values = self.parse(argv)
        except HelpRequested:
            sys.stderr.write(self.usage())
            return 0
        except UsageError as error:
            sys.stderr.write(f"{self.program}: {error}\n{self.usage()}")
            return 2
        if values.on("version"):
            sys.stdout.write(f"{version}\n")
            return 0
        return values


def _columns(left: str, text: str) -> list[str]:
    """A flag and its help, the help wrapped beside it."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 80:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    first = f"{left:<{_HELP_COLUMN}}" if len(left) < _HELP_COLUMN else f"{left}\n{'':<{_HELP_COLUMN}}"
    return [first + lines[0], *(f"{'':<{_HELP_COLUMN}}{line}" for line in lines[1:])]


def _convert(flag: Flag, shown: str, value: str) -> str | float | bool:
    if flag.kind == SWITCH:
        if value in TRUE:
            return True
        if value in FALSE:
            return False
        raise UsageError(f"{shown}={value} is neither true nor false")
    if flag.kind == DURATION:
        try:
            return seconds(value)
        except ValueError as error:
            raise UsageError(f"{shown} {value!r}: {error}") from None
    if flag.choices and value not in flag.choices:
        raise UsageError(f"{value!r} is not a valid {flag.noun or flag.kind}")
    return value


def seconds(text: str) -> float:
    """A duration of Go's `time.ParseDuration` ("1m30s", "-1.5h", ".5s", "0") in seconds. Raises ValueError."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0.0
    if not rest:
        raise ValueError("it is not a duration such as 90s or 1m30s")
    total = 0
    while rest:
        whole, rest = _digits(rest)
        fraction = ""
        if rest.startswith("."):
            fraction, rest = _digits(rest[1:])
        if not whole and not fraction:
            raise ValueError("it is not a duration such as 90s or 1m30s")
        end = 0
        while end < len(rest) and rest[end] not in ".0123456789":
            end += 1
        unit, rest = rest[:end], rest[end:]
        if not unit:
            raise ValueError("its unit is missing (ns, us, ms, s, m or h)")
        if unit not in _UNITS:
            raise ValueError(f"there is no unit {unit!r} (ns, us, ms, s, m or h)")
        scale = _UNITS[unit]
        total += int(whole or "0") * scale + int(fraction or "0") * scale // 10 ** len(fraction)
        if total > 2**63 - (text[0] != "-"):
            raise ValueError("it is longer than 292 years")
    return (-total if text[0] == "-" else total) / 1e9


def _digits(text: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and text[end] in "0123456789":
        end += 1
    if end > 40:
        raise ValueError("it has too many digits")
    return text[:end], text[end:]


def _seconds_text(value: float) -> str:
    """Seconds as Go shows a duration: `2m0s`."""
    whole = int(value)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, value - whole // 60 * 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest:g}s"
