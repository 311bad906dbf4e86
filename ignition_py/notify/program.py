"""`ignition notify EVENT`: sends a report where no stage does so itself.

    the emergency path of an initramfs   failed: a program before the executor, or a stage that was killed
    the real root                        provisioned (handover.py)

Its settings come from the environment, as a stage's: `. /run/ignition.env`. Exit status 0, 2 for wrong usage.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ignition_py import version_text
from ignition_py.goflags import SWITCH, TEXT, Flag, Parser
from ignition_py.notify.event import EVENTS
from ignition_py.notify.tell import Occasion, tell
from ignition_py.system.log import Log

DONE, USAGE = 0, 2
_ABOUT = (
    "Reports how this first boot went, to whom the kernel command line and the image name; each event once in a boot."
)


def main(argv: Sequence[str]) -> int:
    """Runs the program with the words behind `notify`; the exit status."""
    parser = Parser(
        "ignition notify",
        (
            Flag(
                "config-cache",
                TEXT,
                "where the fetch stages left the config",
                noun="file",
                default="/run/ignition.json",
            ),
            Flag("event", TEXT, "what has happened (required)", noun="event", choices=EVENTS),
            Flag("folder", TEXT, "where the stages leave their files", noun="folder", default="/run/ignition"),
            Flag("stage", TEXT, "which stage failed, where it has not said so itself", noun="stage"),
            Flag("version", SWITCH, "print the version and exit"),
        ),
        about=_ABOUT,
    )
    values = parser.attempt(argv, version_text())
    if isinstance(values, int):
        return values
    log = Log()
    try:
        if not values.text("event"):
            log.error("ignition notify: --event is required")
            return USAGE
        tell(
            Occasion(
                event=values.text("event"), log=log, folder=values.text("folder"), platform=os.environ.get("PLATFORM_ID", ""),
                environ=os.environ, config_cache=values.text("config-cache"), stage=values.text("stage"),
            )
        )  # fmt: skip
    finally:
        log.close()
    return DONE
