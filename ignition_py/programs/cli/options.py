"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ignition_py.programs.commands import DURATION, FILE, FOLDER
from ignition_py.providers import PLATFORMS

T = TypeVar("T", bound=Callable[..., Any])

CONFIG = click.argument("config", type=FILE)
FILES_DIR = click.option("--files-dir", type=FOLDER, help="Where a Butane config's local files come from.")
FETCH_TIMEOUT = click.option(
    "--fetch-timeout", type=DURATION, default="1m", help="How long to try each fetch; 0 is without limit."
)
OFFLINE = click.option("--offline", is_flag=True, help="Fetch nothing: take data URLs only.")
VERBOSE = click.option("--verbose", is_flag=True, help="Say what is done.")
ROOT = click.option("--root", type=FOLDER, default="/", help="The root of another machine.")
REPORT = click.option("--report", type=FILE, default="", help="A report to read, not this machine's.", show_default=False)


def styles(*names: str, text: str = "How to show it.") -> Callable[[T], T]:
    """--format with these names, the first of which is the default."""
    return click.option("--format", "style", type=click.Choice(names), default=names[0], help=text)


def platforms() -> Callable[[T], T]:
    """--platform with the names of all platforms."""
    return click.option("--platform", type=click.Choice(tuple(PLATFORMS)), required=True, help="Where this machine runs.")
