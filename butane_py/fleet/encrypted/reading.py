"""The one door to files of data: plain, encrypted by age, or by sops."""

from __future__ import annotations

from butane_py.fleet.encrypted.problems import DecryptionError
from butane_py.fleet.inventory.document import Document, parse, refused
from ignition_py.report.catalog import way_out
from ignition_py.report.diag import ERROR, ConfigError, Entry, Place

_AGE = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")


def read_document(name: str, data: bytes, code: str) -> Document:
    """The nodes of YAML or JSON text, decrypted if it is encrypted; all values of an encrypted file are secret.

    Raises ConfigError: with `code` for a text that is neither YAML nor JSON, with `encrypted-file` for one that cannot be decrypted.
    """
    if data.lstrip().startswith(_AGE):
        return _of_age(name, data, code)
    document = parse(name, data, code)
    if b"sops" in data:
        from butane_py.fleet.encrypted import sops

        if sops.recognises(document.root):
            sops.decrypt(document)
            document.secret = True
    return document


def _of_age(name: str, data: bytes, code: str) -> Document:
    """The nodes of a file that age has encrypted. No report shows its text."""
    from butane_py.fleet.encrypted.identities import keyring

    try:
        plain = keyring().decrypted(data)
    except DecryptionError as error:
        message, hint = f"the file is encrypted by age, and {error}", error.hint or way_out("encrypted-file")
        raise refused(Entry(ERROR, "encrypted-file", message, Place((), source=name), hint)) from None
    try:
        document = parse(name, plain, code)
    except ConfigError as error:
        # What the reader says of a text may show a part of it.
        place = error.report.entries[0].place
        hint = "decrypt it with age -d and look at that line; it is YAML or JSON"
        raise refused(Entry(ERROR, code, "the decrypted text cannot be read", place, hint)) from None
    document.secret = document.hidden = True
    return document
