"""The key of the nonces in private configs. It lies in the private store, where the desk finds it again; machines do not need it."""

from __future__ import annotations

import secrets

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.store import Refused, Store

NAME = "desk/salt.txt"
_BYTES = 32


def salt_of(store: Store, *, dry_run: bool = False) -> bytes:
    """The salt of a store, made where there is none (with `dry_run` for this build only). Raises DeliveryError."""
    held = store.read(NAME)
    if held is None:
        held = secrets.token_hex(_BYTES).encode()
        try:
            if not dry_run:
                store.write(NAME, held)
        except Refused:  # another build has made it meanwhile
            held = store.read(NAME)
    try:
        salt = bytes.fromhex((held or b"").decode())
    except ValueError:
        salt = b""
    if len(salt) != _BYTES:
        raise DeliveryError(f"{NAME} of the private place is not a salt", hint="restore it; a new one renames all private configs")
    return salt
