"""Builds of one host for a recipient, as `butane-py build --for` does them."""

from __future__ import annotations

import random
from pathlib import Path

from butane_py.compilation import Options
from butane_py.deliver.ladder import Wish
from butane_py.deliver.model import Delivery, Part
from butane_py.fleet.outcomes import HostBuilder, Outcome, Subject
from butane_py.fleet.program import Program

BASE = "https://example.com/ign"


def address(part: Part) -> str:
    """The URL of a part."""
    return f"{BASE}/{part.name}"


def outcome(text: str, wish: Wish, files_dir: Path | None = None) -> Outcome:
    """What comes of the only host of a config."""
    program = Program("node.bu", text.encode(), Options(str(files_dir) if files_dir else None))
    return HostBuilder({"": program}, None, [{}], wish=wish)(Subject("", ""))


def delivery(text: str, wish: Wish, files_dir: Path | None = None) -> Delivery:
    """The delivery of the only host of a config that can be delivered."""
    found = outcome(text, wish, files_dir)
    assert found.delivery is not None, [entry.raw() for entry in found.result.report]
    return found.delivery


def text_of(characters: str, version: str = "1.4.0") -> str:
    """A config with a text in a data URL, which no compiler compresses."""
    file = f"{{path: /etc/text, contents: {{source: 'data:,{characters}'}}}}"
    return f"variant: fcos\nversion: {version}\nstorage: {{files: [{file}]}}\n"


def sized(size: int, wish: Wish, alphabet: str = "0123456789abcdef") -> str:
    """A config that is `size` bytes as it is; its text has the entropy of the alphabet."""
    empty = len(delivery(text_of(""), wish.but(form="plain")).user_data)
    chosen = random.Random(size)  # the same text each time
    return text_of("".join(chosen.choices(alphabet, k=size - empty)))
