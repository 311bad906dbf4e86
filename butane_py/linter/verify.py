"""Units held against `systemd-analyze verify`, on request (--lint=verify, or the setting verify).

What only says that this machine lacks a program, a unit or a user of the other one is left out, and what another rule reports too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts, Text
from butane_py.linter.rule import Find, lint

TIMEOUT = 60.0  # seconds for all units of a config
_ABOUT_THIS_MACHINE = re.compile(
    r"not executable|No such file|not found|Failed to (?:add|create|load|resolve)|bad unit file setting|has fatal error|Cannot add dependency"
    r"|Failed to open /dev/tty|running as non-root|Host and machine ID|ignored due to|Unit is bound to inactive"
)
_LINE = re.compile(r"(?P<path>/?[^:\n]*?[^:/\n]+\.\w+):(?:(?P<line>\d+):)? (?P<text>.*)")


@lint(
    "lint-unit-verify",
    title="A unit does not pass systemd-analyze verify",
    why="systemd reads the unit otherwise than it is meant, or refuses it.",
    fix="Do what systemd's message says. The rule runs only with --lint=verify.",
)
def unit_verify(facts: Facts, find: Find) -> None:
    """What systemd-analyze says of the config's units."""
    texts = [text for text in facts.texts if not text.quadlet and os.path.basename(text.unit) == text.unit]
    if not facts.settings.verify or not texts:
        return
    from ignition_py.report.diag import INFO
    from ignition_py.system.host import which

    if not which("systemd-analyze"):
        find.at_yaml(
            (), "systemd-analyze is not on this machine: units are not verified", hint="install systemd", severity=INFO
        )
        return
    told = {entry.place.line for entry in facts.found}
    for text, line, message in _complaints(texts):
        place = facts.line_place(text.at, line or 1)
        refused = any(text.unit in entry.message and "systemd refuses" in entry.message for entry in facts.found)
        if (line and place.end_line and place.line in told) or (not line and refused):
            continue
        find.in_text(
            text.at,
            line or 1,
            f"systemd-analyze says of {text.unit}: {message}",
            hint="see systemd.syntax(7) and the page of the directive",
        )


def _complaints(texts: list[Text]) -> Iterator[tuple[Text, int, str]]:
    """Unit, line (0: the whole unit) and words of each complaint."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="butane-py-") as folder:
        files: dict[str, Text] = {}
        for i, text in enumerate(texts):
            name = f"{text.unit}.d/{i}.conf" if text.dropin else text.unit
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", errors="replace") as file:
                file.write(text.text)
            files[path] = text
        by_unit = {text.unit: text for text in reversed(texts) if not text.dropin}
        seen = set()
        for line in _verified(folder, [path for path, text in files.items() if not text.dropin]):
            found = _LINE.match(line)
            if found is None or line in seen or _ABOUT_THIS_MACHINE.search(found["text"]):
                continue
            seen.add(line)
            owner = files.get(found["path"]) or by_unit.get(os.path.basename(found["path"]))
            if owner is not None:
                yield owner, int(found["line"] or 0), found["text"]


def _verified(folder: str, paths: list[str]) -> list[str]:
    """What the program prints of the unit files at `paths`; a program that fails or hangs has said what it printed until then."""
    from ignition_py.system.log import Log
    from ignition_py.system.run import CommandError, run

    if not paths:
        return []
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths]
    environment = {
        "SYSTEMD_UNIT_PATH": f"{folder}:",
        "SYSTEMD_LOG_LEVEL": "warning",
        "SYSTEMD_LOG_TARGET": "console",
        "SYSTEMD_COLORS": "0",
    }
    try:
        done = run(
            Log(to_stdout=True, threshold=0),
            command,
            what="verifying units",
            env=environment,
            ok=range(256),
            timeout=TIMEOUT,
            limit=1 << 20,
        )
    except CommandError as error:
        return error.output.splitlines()
    return (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
