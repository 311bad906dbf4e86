"""Credentials that are sealed to the machine: what a config writes below /etc/credstore goes to /etc/credstore.encrypted, encrypted.

    IGNITION_CREDSTORE_KEY=tpm2   sealed to the TPM 2.0, by the systemd-creds of the initramfs
    IGNITION_CREDSTORE_KEY=host   encrypted with the key of the new root, by its own systemd-creds; the root needs a machine id
    IGNITION_CREDSTORE_KEY=auto   tpm2 where the machine has a TPM 2.0, else host

is a setting of the image. The plain contents pass through memory and a pipe; they are on no disk. Services name the credential with
LoadCredentialEncrypted= or ImportCredential=. Source: systemd-creds(1), systemd.exec(5).
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import File, Storage
from ignition_py.stages.files.nodes.writer import Piece
from ignition_py.system.rootfs import shown
from ignition_py.system.run import CommandError, run

SETTING = "IGNITION_CREDSTORE_KEY"
PLAIN, SEALED = "/etc/credstore", "/etc/credstore.encrypted"
TPM2, HOST, AUTO = KEYS = ("tpm2", "host", "auto")
_MODE = 0o600
_TPM_DEVICES = "/sys/class/tpmrm"
_WAYS_OUT = {
    TPM2: f"The initramfs needs systemd-creds with libtss2, and the machine a TPM 2.0; the image may set {SETTING}=host instead",
    HOST: "The new root needs systemd-creds and a machine id, as systemd.machine_id= or its /etc/machine-id gives it; "
    f"the image may set {SETTING}=tpm2 instead",
}


class Sealer:
    """Seals the credentials of one config. Raises StageError for a setting that is unknown."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._key = os.environ.get(SETTING, "")
        self._paths: set[str] = set()
        if self._key not in KEYS:
            raise StageError(f"{SETTING} is {self._key!r}", hint=f"The image has to set it to {', '.join(KEYS)}")
        if self._key == AUTO:
            self._key = TPM2 if os.path.isdir(_TPM_DEVICES) and os.listdir(_TPM_DEVICES) else HOST

    def redirected(self, storage: Storage) -> Storage:
        """The storage with files below /etc/credstore at the paths of their encrypted ones."""
        return storage.but(files=tuple([self._redirected(file) for file in storage.files]) or None)

    def _redirected(self, file: File) -> File:
        if posixpath.dirname(file.path) != PLAIN:
            return file
        if file.contents.source is None:
            what = f"the credential {shown(file.path)} has no contents of its own"
            raise StageError(f"{what}, and nothing can be appended to a sealed one", place=file.place(), hint="Give it contents")
        path = f"{SEALED}/{posixpath.basename(file.path)}"
        self._paths.add(path)
        return file.but(path=path, mode=_MODE if file.mode is None else file.mode)

    def seals(self, path: str) -> bool:
        """True for the path of an encrypted credential."""
        return path in self._paths

    def sealed(self, path: str, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """The contents of a credential, encrypted. Raises StageError."""
        data = b"".join([piece if isinstance(piece, bytes) else piece.read() for piece in pieces])
        name = posixpath.basename(path)
        argv = ["systemd-creds", "encrypt", f"--with-key={self._key}", f"--name={name}", "-", "-"]
        try:
            yield run(
                self._ctx.log, argv, what=f"sealing the credential {shown(name)}", stdin=data,
                chroot=self._ctx.root if self._key == HOST else None,
            ).stdout  # fmt: skip
        except CommandError as error:
            raise StageError(str(error), hint=_WAYS_OUT[self._key]) from None
