"""The refusal of secrets in user data that others can read."""

from __future__ import annotations

from butane_py.deliver.recipients import Recipient
from butane_py.deliver.secrets.entries import TaintedEntry
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, WARNING, Entry, Report

_VARS = "vars:\n  token: {type: string, secret: true, default: correct-horse}\n"
_FILE = 'storage:\n  files:\n    - path: /etc/token\n      mode: 0600\n      contents: {inline: "%s"}\n'

declare(
    "secret-in-user-data",
    title="A secret in user data that others can read",
    why="User data of most platforms is served to every process and container of the machine, and shown to everybody who may read the "
    "cloud account. A secret in it is public to them for the life of the machine.",
    fix="Publish secrets to a private place with --secrets split, or have files decrypted on the machine with --secrets tang; "
    "docs/secrets.md compares them.",
    wrong=_VARS + _FILE % "${{ token }}",
    right=_VARS + _FILE % "hello",
    recipient="aws",
)


def refusal(recipient: Recipient, entries: list[TaintedEntry], *, lint: bool) -> Report:
    """An error for each entry with secrets, if others can read the recipient's user data; else, with `lint`, a warning."""
    platform = recipient.platform
    if platform is not None and platform.readable and not platform.served:
        message = f"is made of a secret, and others can read user data of {platform.name}: {platform.readable}"
        return Report([_entry(ERROR, each, message) for each in entries])
    if not lint:
        return Report()
    message = f"is made of a secret: whoever can read the config of {recipient.name} learns it"
    return Report([_entry(WARNING, each, message) for each in entries])


def _entry(severity: str, entry: TaintedEntry, message: str) -> Entry:
    hint = "give --secrets split with --publish-private, or --secrets tang; docs/secrets.md compares them"
    return Entry(severity, "secret-in-user-data", f"{entry.name} {message}", entry.place, hint, related=entry.related)
