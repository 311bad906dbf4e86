"""Files that sops has encrypted: a tree whose values are encrypted one by one, and a mapping `sops` with the keys and a MAC.

The data key is decrypted by age. A value is AES-256-GCM with the path of keys as additional data; the MAC, encrypted likewise, is
SHA-512 over all plain values in the order of the file, which values exchanged, added or removed change.
Source: sops 3.11, README, "Encryption Protocol" and "Message Authentication Code"; measured with the program.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from butane_py.fleet.encrypted.identities import keyring
from butane_py.fleet.encrypted.problems import DecryptionError, missing
from butane_py.fleet.inventory.document import Document, is_null, refused
from butane_py.yaml import scalars
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, Node
from ignition_py.record import Record

KEY = "sops"
_VALUE = re.compile(r"ENC\[AES256_GCM,data:([^,]*),iv:([^,]+),tag:([^,]+),type:([a-z0-9]+)\]")
# What the MAC begins with where it is over encrypted values only: SHA-256 of "sops".
_ONLY_ENCRYPTED = hashlib.sha256(b"sops").digest()
_OTHER_KEYS = ("kms", "gcp_kms", "azure_kv", "hc_vault", "pgp", "hckms")
_DEFAULT_SUFFIX = "_unencrypted"
_KEY_BYTES = 32
_TAG_BYTES = 16


class _Rule(Record):
    """One of the six settings that say which values are encrypted. `encrypts`: the values that it finds are, and no others."""

    name: str
    encrypts: bool
    finds: Callable[[str, str], bool]


def _ends(pattern: str, key: str) -> bool:
    return key.endswith(pattern)


def _matches(pattern: str, key: str) -> bool:
    return re.search(pattern, key) is not None


# In the order in which sops asks them. Rules about comments are told by the values themselves: nodes have no comments.
_RULES = (
    _Rule("unencrypted_suffix", False, _ends),
    _Rule("encrypted_suffix", True, _ends),
    _Rule("unencrypted_regex", False, _matches),
    _Rule("encrypted_regex", True, _matches),
)
_COMMENT_RULES = ("unencrypted_comment_regex", "encrypted_comment_regex")


def recognises(root: Node | None) -> bool:
    """True for a mapping with the metadata of sops."""
    found = root.entry(KEY) if root is not None and root.kind == MAPPING else None
    return found is not None and found[1].kind == MAPPING and found[1].entry("mac") is not None


def decrypt(document: Document) -> None:
    """Decrypts the values of a file in place and takes `sops` out of it. Raises ConfigError."""
    root = document.root
    assert root is not None
    metadata = root.child(KEY)
    assert metadata is not None
    try:
        key = _data_key(metadata)
        _Tree(document, metadata, key).decrypt(root)
    except DecryptionError as error:
        raise refused(document.error("encrypted-file", f"the file is encrypted by sops, and {error}", metadata, error.hint)) from None
    root.items = [pair for pair in root.items if pair[0].value != KEY]
    root._index = None


def _data_key(metadata: Node) -> bytes:
    """The key of all values. Raises DecryptionError."""
    groups = metadata.child("key_groups")
    if groups is not None and len(groups.items) > 1:
        raise DecryptionError("its key is shared among several groups of keys", "encrypt it for one group, to age recipients")
    holder = groups.items[0] if groups is not None and groups.items else metadata
    recipients = holder.child("age")
    wrapped = [_text(each, "enc") for each in recipients.items] if recipients is not None and recipients.kind == SEQUENCE else []
    wrapped = [each for each in wrapped if each]
    if not wrapped:
        others = [name for name in _OTHER_KEYS if (found := holder.child(name)) is not None and found.items]
        raise DecryptionError(
            f"it has no age recipient{', only ' + ', '.join(others) if others else ''}",
            "add one with sops rotate -i --add-age RECIPIENT, or give the plain text: --vars <(sops decrypt FILE)",
        )
    keys = keyring()
    problem = DecryptionError("")
    for each in wrapped:
        try:
            key = keys.decrypted(each.encode())
        except DecryptionError as error:
            problem = error
            continue
        if len(key) != _KEY_BYTES:
            raise DecryptionError("its key does not have 32 bytes", "encrypt the file anew")
        return key
    raise problem


def _text(node: Node, name: str) -> str:
    """The text of a member; "" where there is none."""
    found = node.child(name)
    return found.value if found is not None and found.kind == SCALAR and not is_null(found) else ""


class _Tree:
    """The values of one file. `digest`: the MAC of those that were read."""

    def __init__(self, document: Document, metadata: Node, key: bytes) -> None:
        self.document = document
        self.metadata = metadata
        self.cipher = _cipher(key)
        self.only_encrypted = _text(metadata, "mac_only_encrypted") == "true"
        self.digest = hashlib.sha512(_ONLY_ENCRYPTED if self.only_encrypted else b"")
        self.numbers_are_floats = document.text.lstrip()[:1] == b"{"  # JSON knows one kind of number
        patterns = [(rule, _text(metadata, rule.name)) for rule in _RULES]
        by_comments = any(_text(metadata, name) for name in _COMMENT_RULES)
        self.rules = None if by_comments else [(rule, pattern) for rule, pattern in patterns if pattern]
        if self.rules == []:
            self.rules = [(_RULES[0], _DEFAULT_SUFFIX)]

    def decrypt(self, root: Node) -> None:
        """Decrypts all values below the root and compares the MAC. Raises DecryptionError, and ConfigError for a value."""
        for node, path in _leaves(root, (), skip=KEY):
            if node.kind == ALIAS:
                message = "a file that sops has encrypted has no aliases"
                raise refused(self.document.error("encrypted-file", message, node, "encrypt it anew"))
            encrypted = self._is_encrypted(node, path)
            if encrypted and node.value:
                try:
                    self._open(node, path)
                except DecryptionError as error:
                    raise refused(self.document.error("encrypted-file", str(error), node, error.hint)) from None
            if encrypted or not self.only_encrypted:
                self.digest.update(self._bytes(node))
        self._compare()

    def _is_encrypted(self, node: Node, path: tuple[str, ...]) -> bool:
        if self.rules is None:
            return _VALUE.fullmatch(node.value) is not None
        encrypted = True
        for rule, pattern in self.rules:
            try:
                found = any(rule.finds(pattern, key) for key in path)
            except re.error:
                raise DecryptionError(f"its {rule.name} is not a regular expression that Python knows", "write a simpler one") from None
            if rule.encrypts:
                encrypted = found
            elif found:
                encrypted = False
        return encrypted

    def _open(self, node: Node, path: tuple[str, ...]) -> None:
        """Puts the plain value into a node. Raises DecryptionError."""
        found = _VALUE.fullmatch(node.value)
        if found is None:
            message = "the value is not encrypted, and by the settings of the file it is to be"
            raise DecryptionError(message, "encrypt the file anew with sops encrypt -i")
        text = self._plain(found, "".join(f"{key}:" for key in path))
        kind = found[4]
        if kind == "comment":
            raise DecryptionError("the value is a comment", "encrypt the file anew")
        node.value = text.lower() if kind == "bool" else text
        node.plain = kind in ("int", "float", "bool")
        node.tag = ""

    def _plain(self, found: re.Match[str], additional: str) -> str:
        """The text of an encrypted value. Raises DecryptionError."""
        from cryptography.exceptions import InvalidTag

        try:
            data, nonce, tag = (base64.b64decode(part, validate=True) for part in found.group(1, 2, 3))
            if len(tag) != _TAG_BYTES:
                raise InvalidTag
            plain: bytes = self.cipher.decrypt(nonce, data + tag, additional.encode())
            return plain.decode()
        except (InvalidTag, binascii.Error, ValueError):
            message = "the encrypted value has been changed, moved or cut off"
            raise DecryptionError(message, "restore the file, or set the value again") from None

    def _bytes(self, node: Node) -> bytes:
        """What a value adds to the MAC."""
        if not node.plain or node.tag not in scalars.RESOLVABLE:
            return node.value.encode()
        tag, value = scalars.resolve(node.value, node.tag)
        if tag == scalars.BOOL:
            return str(value).encode()
        if isinstance(value, float) or (isinstance(value, int) and self.numbers_are_floats):
            return _float(float(value))
        return str(value).encode() if tag == scalars.INT else node.value.encode()

    def _compare(self) -> None:
        """Raises DecryptionError where the MAC in the file is another."""
        found = _VALUE.fullmatch(_text(self.metadata, "mac"))
        if found is None:
            raise DecryptionError("its MAC cannot be read", "restore the file, or encrypt it anew")
        try:
            expected = self._plain(found, _text(self.metadata, "lastmodified"))
        except DecryptionError:
            raise DecryptionError("its MAC cannot be decrypted", "restore the file, or encrypt it anew") from None
        if not hmac.compare_digest(expected.upper().encode(), self.digest.hexdigest().upper().encode()):
            message = "its MAC does not fit its values: some were changed, added or removed without sops"
            raise DecryptionError(message, "restore the file; sops edit --ignore-mac, after a review of every value, makes a new MAC")


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise missing("cryptography") from None
    return AESGCM(key)


def _leaves(node: Node, path: tuple[str, ...], skip: str = "") -> Iterator[tuple[Node, tuple[str, ...]]]:
    """The values below a node in the order of the file, with their keys. Items of lists have those of the list."""
    if node.kind == MAPPING:
        for key, value in node.items:
            if not skip or key.value != skip:
                yield from _leaves(value, (*path, key.value))
    elif node.kind == SEQUENCE:
        for item in node.items:
            yield from _leaves(item, path)
    elif not is_null(node):
        yield node, path


def _float(value: float) -> bytes:
    """The shortest decimal text of a number, without an exponent."""
    text = format(Decimal(repr(value)), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text).encode()
