"""Rows of directories, files and links.

A file whose contents the config gives was made by it: its mode is 0644 and its owners are root where the config does not say otherwise
(the Ignition specification, `storage.files`). What may have been there before keeps what the config leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py.check import questions as ask
from ignition_py.check.contents import Contents
from ignition_py.check.findings.facts import Facts, Seen
from ignition_py.check.findings.row import NONE, NOT_LOOKED_AT, UNSEEN, Row, unseen
from ignition_py.report.diag import Path
from ignition_py.spec.tables import Config, File, Link, Node
from ignition_py.stages.files.nodes.plan import FILE_MODE

_WORDS = {"directory": "directory", "file": "regular file"}


def node_rows(config: Config, facts: Facts, contents: Contents) -> Iterator[Row]:
    storage = config.storage
    for index, directory in enumerate(storage.directories):
        yield _node("directory", directory, directory.mode, facts, ("storage", "directories", index))
    for index, file in enumerate(storage.files):
        yield _file(file, facts, contents, ("storage", "files", index))
    for index, link in enumerate(storage.links):
        yield _link(link, facts, ("storage", "links", index))


def _node(kind: str, node: Node, mode: int | None, facts: Facts, path: Path, *, made: bool = False) -> Row:
    """Mode and owners: those that the config gives, and of a file that it made (`made`) any other that it would not have."""
    present = facts.node(node.path)
    wanted: list[str] = []
    found: list[str] = []
    for name, value, default in _permissions(node, mode):
        has = _has(present, name, value) if isinstance(present, Seen) else ""
        expected = default if value is None else value
        if value is not None or (made and isinstance(present, Seen) and has != default):
            wanted.append(f"{name} {expected}".strip())
            found.append(f"{name} {has}".strip())
    text = " ".join(wanted) or "present"
    if present == ask.ABSENT:
        return Row(kind, node.path, text, NONE, path=path)
    if not isinstance(present, Seen):
        return unseen(kind, node.path, text, path=path, why=NOT_LOOKED_AT if present == ask.DENIED else "not looked at: stat failed")
    right = present.kind == _WORDS[kind]
    return Row(kind, node.path, text, (" ".join(found) or "present") if right else present.kind, path=path)


def _permissions(node: Node, mode: int | None) -> Iterator[tuple[str, str | None, str]]:
    """Word, what the config says, what it is where the config says nothing: of mode, user and group."""
    yield "", None if mode is None else f"{mode:o}", f"{FILE_MODE:o}"
    for word, owner in (("user", node.user), ("group", node.group)):
        identity = owner.name if owner.name is not None else owner.id
        yield word, None if identity is None else str(identity), "0"


def _has(present: Seen, word: str, value: str | None) -> str:
    """Mode, user or group of what is there: by id where the config gives none or an id, else by name."""
    by_id = value is None or value.isdecimal()
    if word == "user":
        return present.uid if by_id else present.user
    if word == "group":
        return present.gid if by_id else present.group
    return present.mode


def _file(file: File, facts: Facts, contents: Contents, path: Path) -> Row:
    row = _node("file", file, file.mode, facts, path, made=file.contents.source is not None)
    digest = contents.of(file)
    if row.state == UNSEEN or not isinstance(seen := facts.node(file.path), Seen) or seen.kind != _WORDS["file"]:
        return row
    if digest is None:
        remote = file.contents.source is not None or file.append
        note = "contents not compared: the config has no hash of what it fetches" if remote else ""
        return row.but(note=note) if note else row
    found = facts.line(ask.SUMS, digest.algorithm, file.path, *([str(digest.tail)] if digest.tail is not None else []))
    return with_contents(row, found, digest.value)


def with_contents(row: Row, found: str, digest: str) -> Row:
    """The row with whether the contents are right: `found` is the line about the digest of the file that is there."""
    if found in (ask.DENIED, ask.FAILED):
        why = "contents not looked at: permission denied" if found == ask.DENIED else "contents could not be read"
        return Row(
            row.kind, row.name, f"{row.wanted}, contents", f"{row.found}, {why}",
            state=UNSEEN if row.ok else "", path=row.path,
        )  # fmt: skip
    right = found == digest
    return Row(row.kind, row.name, f"{row.wanted}, contents", f"{row.found}, {'contents' if right else 'other contents'}", path=row.path)


def _link(link: Link, facts: Facts, path: Path) -> Row:
    present = facts.node(link.path)
    wanted = f"{'hard link' if link.hard else 'symbolic link'} to {link.target or ''}"
    if present == ask.ABSENT:
        return Row("link", link.path, wanted, NONE, path=path)
    if not isinstance(present, Seen):
        return unseen("link", link.path, wanted, path=path)
    if link.hard:
        other = facts.node(link.target or "")
        same = isinstance(other, Seen) and other.identity == present.identity
        return Row("link", link.path, wanted, wanted if same else present.kind, path=path)
    if present.kind != "symbolic link":
        return Row("link", link.path, wanted, present.kind, path=path)
    return Row("link", link.path, wanted, f"symbolic link to {facts.target(link.path)}", path=path)
