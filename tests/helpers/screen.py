"""Logs with the failure screen in them, which breaks its lines at 80 columns."""

from __future__ import annotations

from ignition_py.failure_screen import unwrapped

_CRITICAL = "CRITICAL : "


def unbroken(text: str) -> str:
    """The log, with the lines of the screen as they were before they were broken."""
    found: list[str] = []
    screen: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith(_CRITICAL):
            screen.append(line.removeprefix(_CRITICAL))
            continue
        found += [_CRITICAL + each for each in unwrapped(screen)]
        found.append(line)
        screen = []
    return "\n".join(found)
