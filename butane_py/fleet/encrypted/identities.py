"""The keys of this user that decrypt age files, from the places where sops looks for them.

Source: sops 3.11, README, "Encrypting using age" and "Encrypting with SSH keys via age"; age(1), "IDENTITY FILES".
SOPS_AGE_KEY_CMD is not run: a build starts no program that a variable names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from butane_py.fleet.encrypted.problems import DecryptionError, missing
from ignition_py.record import Record
from ignition_py.system.streams import reason

KEY, KEY_FILE, SSH_FILE, COMMAND = "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_KEY_CMD"
_DEFAULT = "sops/age/keys.txt"
_SSH = (".ssh/id_ed25519", ".ssh/id_rsa")
_MOST_BYTES = 1 << 20


class _Text(Record):
    """A text with keys, and what it is called in messages. optional: it is passed over where no key can be read from it."""

    name: str
    text: str
    optional: bool = False

    HIDDEN = ("text",)


class Keyring:
    """The keys at hand. `places`: where keys were found, for messages."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Reads them. Raises DecryptionError for a variable or a file that holds no key, or one of an unknown kind."""
        self.places: list[str] = []
        self._identities: list[Any] = []
        for each in _texts(environment):
            found = _identities(each)
            if found:
                self.places.append(each.name)
                self._identities += found
        self._command = COMMAND in environment

    def decrypted(self, data: bytes) -> bytes:
        """What an age file holds, armored or not. Raises DecryptionError."""
        pyrage = _pyrage()
        if not self._identities:
            command = f'{COMMAND} is not run: {KEY}="$(COMMAND)" gives its keys' if self._command else ""
            raise DecryptionError("there is no age key to decrypt it with", command)
        try:
            plain: bytes = pyrage.decrypt(data, self._identities)
        except pyrage.DecryptError as error:
            if "matching" in str(error):
                raise DecryptionError(f"none of the keys of {', '.join(self.places)} decrypts it") from None
            message = "it is not a whole age file: it has been changed or cut off"
            raise DecryptionError(message, "fetch it again, or encrypt it anew") from None
        return plain


def keyring() -> Keyring:
    """The keys of this user. Raises DecryptionError."""
    return Keyring(os.environ)


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise missing("pyrage") from None
    return pyrage


def _texts(environment: Mapping[str, str]) -> Iterator[_Text]:
    """The texts that keys are in. Raises DecryptionError for a file that is named and cannot be read."""
    if environment.get(KEY):
        yield _Text(KEY, environment[KEY])
    for variable in (KEY_FILE, SSH_FILE):
        path = environment.get(variable)
        if path:
            try:
                yield _Text(path, _read(path))
            except (OSError, ValueError) as error:
                why = reason(error) if isinstance(error, OSError) else str(error)
                raise DecryptionError(f"the key file that {variable} names cannot be read: {why}", "correct the variable") from None
    for path in _default_paths(environment):
        try:
            text = _read(path)
        except (OSError, ValueError):
            continue
        yield _Text(path, text, optional=True)


def _default_paths(environment: Mapping[str, str]) -> Iterator[str]:
    """The files where keys lie without a variable that names them."""
    home = environment.get("HOME", "")
    folder = environment.get("XDG_CONFIG_HOME", "")
    if not folder and home:
        folder = os.path.join(home, "Library/Application Support" if sys.platform == "darwin" else ".config")
    if folder:
        yield os.path.join(folder, _DEFAULT)
    if home:
        yield from (os.path.join(home, name) for name in _SSH)


def _read(path: str) -> str:
    """The text of a key file. Raises OSError, and ValueError for a file that is too large or no text."""
    with open(path, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{path}: larger than 1 MiB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text") from None


def _identities(given: _Text) -> list[Any]:
    """The keys of a text. Raises DecryptionError where one cannot be read, unless the text is optional."""
    pyrage = _pyrage()
    try:
        if given.text.lstrip().startswith("-----BEGIN"):
            if "AGE ENCRYPTED FILE" in given.text:
                raise DecryptionError(f"{given.name} is encrypted itself", f'give its keys: {KEY}="$(age -d {given.name})"')
            return [_ssh(given, pyrage)]
        return [
            _native(given.name, number, line, pyrage)
            for number, line in enumerate(map(str.strip, given.text.splitlines()), 1)
            if line and not line.startswith("#")
        ]
    except DecryptionError:
        if given.optional:
            return []
        raise


def _native(name: str, number: int, line: str, pyrage: Any) -> Any:
    """The key of a line."""
    if line.startswith("AGE-PLUGIN-"):
        raise DecryptionError(f"{name}, line {number}: keys of age plugins are not supported", "name a key that age-keygen has made")
    try:
        return pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError:
        raise DecryptionError(f"{name}, line {number}: not an age key", "a key begins with AGE-SECRET-KEY-1") from None


def _ssh(given: _Text, pyrage: Any) -> Any:
    """The key of an SSH private key file."""
    try:
        return pyrage.ssh.Identity.from_buffer(given.text.encode())
    except pyrage.IdentityError:
        message = f"{given.name} is not an SSH key that decrypts age files"
        raise DecryptionError(message, "name an ed25519 or RSA key without a passphrase") from None
