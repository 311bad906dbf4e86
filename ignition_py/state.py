"""What the stages of one boot hand to each other: a small JSON file with the reference's keys.

Loaded before a stage and saved after one that succeeded. It can hold LUKS keys, so it is readable by root only and
replaced as a whole: a reader sees the old file or the new one, never half of it.
"""

from __future__ import annotations

from typing import Any

from ignition_py import quickjson as json
from ignition_py.record import Record, field
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import write_private


class FetchedConfig(Record):
    """A config that was read: kind (`base` or `user`), source, and whether another config named it."""

    kind: str
    source: str
    referenced: bool = False


class State(Record):
    """The contents of the state file.

    `luks_persist_key_files`: volume name -> data URL of the generated key, from disks for files.
    `luks_persist_volume_key_files`: the same for secure volume keys (CEX).
    `notated_directories`: directories below the root that mount made, relative to it, for files to chown.
    `mounted_before`: mount point of the config -> how many filesystems were mounted there before the mount stage began, for umount
    to leave; None before that stage. It has a key of our own, which the reference passes over.
    `provider_output_files`: files (as in a config's `storage.files`, JSON form) that a provider wants written.
    """

    HIDDEN = ("luks_persist_key_files", "luks_persist_volume_key_files")

    fetched_configs: list[FetchedConfig] = field(default_factory=list)
    luks_persist_key_files: dict[str, str] = field(default_factory=dict)
    luks_persist_volume_key_files: dict[str, str] = field(default_factory=dict)
    notated_directories: list[str] = field(default_factory=list)
    mounted_before: dict[str, int] | None = None
    provider_output_files: list[dict[str, Any]] = field(default_factory=list)

    def to_data(self) -> dict[str, Any]:
        """The JSON form; empty members are null, as the reference writes them."""
        fetched = [{"kind": c.kind, "source": c.source, "referenced": c.referenced} for c in self.fetched_configs]
        data = {
            "fetchedConfigs": fetched or None,
            "luksPersistKeyFiles": self.luks_persist_key_files or None,
            "notatedDirectories": self.notated_directories or None,
            "providerOutputFiles": self.provider_output_files or None,
            "luksPersistVolumeKeyFiles": self.luks_persist_volume_key_files or None,
        }
        return data if self.mounted_before is None else {**data, "mountedBefore": self.mounted_before}


def load(path: str) -> State:
    """Reads the state file; a missing one is an empty state. Raises IgnitionError."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise IgnitionError(f"reading the state file {path}: {error.strerror}") from None
    try:
        return from_data(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise IgnitionError(
            f"the state file {path} is damaged",
            hint="The earlier stages of this boot made it; boot again to start afresh",
        ) from None


def from_data(data: dict[str, Any]) -> State:
    """The state from its JSON form. Raises ValueError, TypeError, KeyError, AttributeError where it is another."""
    state = State()
    for entry in data.get("fetchedConfigs") or ():
        kind, source = _text(entry["kind"]), _text(entry["source"])
        state.fetched_configs.append(FetchedConfig(kind, source, entry["referenced"] is True))
    state.luks_persist_key_files = _texts(data.get("luksPersistKeyFiles"))
    state.luks_persist_volume_key_files = _texts(data.get("luksPersistVolumeKeyFiles"))
    state.notated_directories = [_text(item) for item in data.get("notatedDirectories") or ()]
    before = data.get("mountedBefore")
    state.mounted_before = None if before is None else {_text(path): int(count) for path, count in before.items()}
    state.provider_output_files = [dict(item) for item in data.get("providerOutputFiles") or ()]
    return state


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: dict[str, Any] | None) -> dict[str, str]:
    return {_text(key): _text(item) for key, item in (value or {}).items()}


def save(state: State, path: str) -> None:
    """Replaces the state file. Raises IgnitionError."""
    text = json.dumps(state.to_data(), separators=(",", ":")) + "\n"
    write_private(path, text.encode(), what="the state file")
