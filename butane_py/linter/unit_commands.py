"""Commands of units: what systemd refuses to run, and what it runs otherwise than a shell would. Source: systemd.service(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts, Text
from butane_py.linter.rule import Find, lint
from butane_py.linter.unit_text import Setting, read_command
from ignition_py.report.examples import unit

_INSTALL = "  [Install]\n  WantedBy=multi-user.target\nenabled: true\n"
_GOOD = f"contents: |\n  [Service]\n  ExecStart=/bin/true\n{_INSTALL}"
_EXEC = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost")
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox", "env", "fish", "test", "[", "expr")
_OPERATOR = r"&&|\|\|?|&|\d?>>?(?:&\d|[/\w.].*)?|<(?:/.*)?|&>>?.*"


def _commands(facts: Facts) -> Iterator[tuple[Text, Setting]]:
    for text in facts.texts:
        for section in ("Service", "Socket", "Mount", "Swap"):
            for setting in text.read.all(section, *_EXEC):
                yield text, setting


@lint(
    "lint-exec-relative",
    title="A program is named by a relative path",
    why="systemd takes absolute paths, and names without a slash that it looks up in fixed folders. It refuses the rest.",
    fix="Write the absolute path.",
    wrong=unit(_GOOD.replace("/bin/true", "bin/true")),
    right=unit(_GOOD),
)
def exec_relative(facts: Facts, find: Find) -> None:
    """Programs with a slash that is not the first character."""
    for text, setting in _commands(facts):
        program = read_command(setting.value).program
        if "/" in program and not program.startswith(("/", "%", "$")):
            message = f"{setting.name}={program} of {text.unit} is a relative path: systemd refuses it"
            find.in_text(text.at, setting.line, message, hint="write the absolute path of the program")


@lint(
    "lint-exec-shell",
    title="A command has an operator of the shell",
    why="systemd runs no shell: the program gets && or | as an argument.",
    fix="Write ExecStart=/bin/sh -c '…', or several ExecStart= of a Type=oneshot service.",
    wrong=unit(_GOOD.replace("/bin/true", "/bin/true && /bin/false")),
    right=unit(_GOOD.replace("/bin/true", "/bin/sh -c '/bin/true && /bin/false'")),
)
def exec_shell(facts: Facts, find: Find) -> None:
    """Operators of the shell as words of their own, not in quotes, of programs that are no shell."""
    for text, setting in _commands(facts):
        command = read_command(setting.value)
        if command.program.rpartition("/")[2] in _SHELLS:
            continue
        operator = next((word for word, quoted in command.words if not quoted and re.fullmatch(_OPERATOR, word)), "")
        if operator:
            message = f"{setting.name}= of {text.unit} has {operator!r}, and systemd runs no shell"
            find.in_text(text.at, setting.line, message, hint=f"write {setting.name}=/bin/sh -c '…'")


@lint(
    "lint-exec-not-executable",
    title="A service runs a file that cannot be executed",
    why="The config writes the file without an execute bit, and the service fails with status 203/EXEC.",
    fix="Write mode: 0755 for the file.",
    wrong="storage:\n  files:\n    - path: /opt/tool\n      contents:\n        inline: a\n"
    + unit(_GOOD.replace("/bin/true", "/opt/tool")),
    right="storage:\n  files:\n    - path: /opt/tool\n      mode: 0755\n      contents:\n        inline: a\n"
    + unit(_GOOD.replace("/bin/true", "/opt/tool")),
)
def exec_not_executable(facts: Facts, find: Find) -> None:
    """Programs of Exec…= that the config writes without an execute bit."""
    modes = {file.path: file.mode for file in facts.files if not (file.contents or b"").startswith(b"#!")}
    for text, setting in _commands(facts):
        program = read_command(setting.value).program
        if not modes.get(program, 0o111) & 0o111:
            message = (
                f"{setting.name}= of {text.unit} runs {program}, which the config writes with mode {modes[program]:04o}"
            )
            find.in_text(text.at, setting.line, message, hint=f"write mode: 0755 for {program}")
