"""What is wrong with an encrypted file: a sentence and a way out, without anything that the file holds."""

from __future__ import annotations

from ignition_py.report.catalog import declare

declare(
    "encrypted-file",
    title="An encrypted file cannot be decrypted",
    why="No key that is at hand fits, the file has been changed or cut off since it was encrypted, or what decrypts it is not installed. "
    "Nothing is built.",
    fix="Name the file of your age key in SOPS_AGE_KEY_FILE; docs/secrets.md says where keys are looked for.",
)


class DecryptionError(ValueError):
    """A text cannot be decrypted. `hint`: the way out, "" for that of the code."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def missing(package: str) -> DecryptionError:
    """The error of a package of the extra `secrets` that is not installed."""
    return DecryptionError(f"decrypting needs the package {package}, which is not installed", "pip install 'ignition-py[secrets]'")
