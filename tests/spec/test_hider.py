"""spec/secrets.py: what is hidden in a text, and what is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ignition_py.spec.secrets import hider
from tests.spec.examples import config

HASH = "$6$salt$abcdefghijklmnopqrstuvwxyz"


def user(**fields: Any) -> dict[str, Any]:
    return {"passwd": {"users": [{"name": "core", **fields}]}}


def fetched(source: str, *headers: tuple[str, str]) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in headers]
    return {"storage": {"files": [{"path": "/etc/x", "contents": {"source": source, "httpHeaders": named}}]}}


@pytest.mark.parametrize(
    ("data", "text", "shown"),
    [
        (user(passwordHash=HASH), f"adding user core: ({HASH})", "adding user core: (<hidden>)"),
        (user(passwordHash=HASH), f"{HASH} and {HASH}", "<hidden> and <hidden>"),
        (user(passwordHash=HASH), f"cut off: {HASH[:20]}…", "cut off: <hidden>…"),
        (user(passwordHash=f"{HASH}\0second-part"), f"{HASH}\\x00second-part", "<hidden>\\x00<hidden>"),
        (user(passwordHash=f"{HASH}\n"), f"{HASH!r}", "'<hidden>'"),
        (user(passwordHash="*"), "a * b", "a * b"),
        (user(), "core", "core"),
        (fetched("https://me:passw0rd@host/a?X-Sig=abcdef#fragment"), "GET https://host/a", "GET https://host/a"),
        (fetched("https://me:passw0rd@host/a?X-Sig=abcdef#fragment"), "passw0rd X-Sig=abcdef fragment", "<hidden> <hidden> <hidden>"),
        (fetched("https://host/a", ("Authorization", "Bearer abcdefgh")), "sent Bearer abcdefgh", "sent <hidden> <hidden>"),
        (fetched("data:,contents%20of%20it"), "contents%20of%20it", "<hidden>"),
        (fetched("data:,system"), "writing /etc/systemd/system", "writing /etc/systemd/system"),
        (fetched("https://host/a", ("X-Token", "x")), "x X-Token host", "x X-Token host"),
    ],
)
def test_what_is_hidden(data: dict[str, Any], text: str, shown: str) -> None:
    assert hider(config(json.loads(json.dumps(data))))(text) == shown


def test_a_token_in_the_name_of_a_header() -> None:
    hide = hider(config(fetched("https://host/a", ("Authorization: Bearer abcdefgh", "x"), ("X-Other", "y"))))
    assert "abcdefgh" not in hide("the header 'Authorization: Bearer abcdefgh' and X-Other")
    assert hide("X-Other") == "X-Other"
