"""Splitting a config in two: the values that are made of secrets, and the rest. Merged by Ignition, they are the whole again.

Entries keep their place in the public config, with all that is not secret about them; the private one has their keys and the secret
values. So the order of users (which decides on user ids), files and units is that of the whole. An entry whose key is a secret, or that
is not valid without the secret, goes to the private config as a whole, and comes last.

The name and the hash of the private config are public, and a hash of a guessable secret can be guessed. So the private config holds a
nonce as well, a keyed hash of its contents: the same secrets give the same bytes again, and guesses cannot be tried
without the key (salt.py).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from butane_py.deliver.model import Part
from butane_py.deliver.secrets.entries import named
from ignition_py.record import Record
from ignition_py.report.diag import ERROR, Path
from ignition_py.spec.encode import to_data, to_json
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.rules.all import validate
from ignition_py.spec.rules.registry import Finding
from ignition_py.spec.tables import ClevisCustom, Config, ConfigReference, File, Ignition, Resource, Verification

S = TypeVar("S", bound=Struct)

_WHOLE = (Resource, ClevisCustom)  # a part of one of them is not valid
_EMPTY = "%7B%22ignition%22%3A%7B%22version%22%3A%223.0.0%22%7D%7D"  # the empty config in a data URL
_NONCE_DIGITS = 32


class Split(Record):
    """A config in two. `private` is None where the config holds no secrets."""

    public: Config
    private: Config | None

    HIDDEN = ("private",)


class NotSplitError(ValueError):
    """A config is not valid without its secrets."""


def split(config: Config, secrets: Collection[Path], spec: int) -> Split:
    """Takes the values at `secrets`, paths in the JSON of the config, out of a valid config.

    Raises NotSplitError where what is left, or what is taken out, is not a config of the version `spec`.
    """
    if not secrets:
        return Split(config, None)
    paths = {named(config, path) for path in secrets}
    for whole in (False, True):
        found = _split(config, paths, whole=whole)
        problem = next((each for part in (found.public, found.private) for each in _errors(part, spec)), None)
        if problem is None:
            return found
    raise NotSplitError(".".join(map(str, problem.path)) if problem is not None else "")


def _errors(config: Config | None, spec: int) -> list[Finding]:
    return [each for each in validate(config, spec) if each.severity == ERROR] if config is not None else []


def _split(config: Config, paths: Collection[Path], *, whole: bool) -> Split:
    """`whole`: entries of lists go to the private config as they are."""
    if any(path[:3] == ("ignition", "config", "replace") for path in paths):
        # Ignition takes nothing else of this config. What replaces it has to come from the private one, which is fetched by its settings.
        settings = {path for path in paths if path[0] == "ignition" and path[1] != "config"}
        outer, _ = _parted(Config(ignition=config.ignition.but(config=None)), settings, whole=whole)
        assert isinstance(outer, Config)
        return Split(outer, config)
    public, private = _parted(config, paths, whole=whole)
    assert isinstance(public, Config)  # a config has no key
    ignition = private.get("ignition", Ignition()).but(version=config.ignition.version)
    return Split(public, Config(**{**private, "ignition": ignition}))


def private_part(private: Config, spec: int, salt: bytes) -> Part:
    """The private config as an object to be published, with its nonce."""
    nonce = hmac.digest(salt, to_json(to_data(private, spec)).encode(), "sha256").hex()[:_NONCE_DIGITS]
    salted = _with_first(private, ConfigReference(source=f"data:;nonce={nonce},{_EMPTY}"))
    return Part.of(to_json(to_data(salted, spec)).encode(), private=True)


def referring(public: Config, part: Part, address: Callable[[Part], str]) -> Config:
    """The public config, which merges the private one before all others that it merges."""
    return _with_first(public, ConfigReference(source=address(part), verification=Verification(hash=f"sha512-{part.sha512}")))


def _with_first(config: Config, reference: ConfigReference) -> Config:
    """The config, merging one more config before the others."""
    references = config.ignition.config
    return config.but(ignition=config.ignition.but(config=references.but(merge=(reference, *references.merge))))


def _parted(struct: S, paths: Collection[Path], *, whole: bool) -> tuple[S | None, dict[str, Any]]:
    """What is public of a structure, None where nothing is; and the values that are not. `paths` are below the structure."""
    below: dict[str, list[Path]] = {}
    for path in paths:
        below.setdefault(str(path[0]), []).append(path[1:])
    entries = {name: type(struct).FIELDS[name] for name in below}
    if any(_is_key(struct, entry) for entry in entries.values()):
        return None, dict(struct.__dict__)
    public: dict[str, Any] = {}
    private: dict[str, Any] = {}
    for name, entry in entries.items():
        public[name], private[name] = _field(getattr(struct, name), entry, below[name], whole=whole)
    if isinstance(struct, File) and struct.overwrite and "contents" in private:
        public["overwrite"], private["overwrite"] = None, True  # only a file with contents overwrites
    return struct.but(**public), private


def _is_key(struct: Struct, entry: Field) -> bool:
    """True if the entry is told from others by this field."""
    return struct.but(**{entry.name: None}).key() != struct.key()


def _field(value: Any, entry: Field, paths: list[Path], *, whole: bool) -> tuple[Any, Any]:
    """What is public of the value of a field, None where nothing is, and what is not."""
    if entry.struct is None or issubclass(entry.struct, _WHOLE):
        return None, value
    if not entry.many:
        public, private = _parted(value, paths, whole=whole)
        return public, type(value)(**private)
    left: list[Struct] = []
    taken: list[Struct] = []
    for index, item in enumerate(value):
        inside = [path[1:] for path in paths if path[0] == index]
        if not inside:
            left.append(item)
            continue
        if whole:
            taken.append(item)
            continue
        public, private = _parted(item, inside, whole=False)
        if public is not None:
            left.append(public)
        taken.append(type(item)(**{**_scalars(item), **private}))
    return tuple(left) or None, tuple(taken)


def _scalars(item: Struct) -> dict[str, Any]:
    """The single values of an entry, its key and what it needs to be valid among them: they are the same in both configs.

    `overwrite` is not among them: it is valid beside contents alone.
    """
    return {entry.name: value for entry, value in item.items() if entry.struct is None and not entry.many and entry.name != "overwrite"}
