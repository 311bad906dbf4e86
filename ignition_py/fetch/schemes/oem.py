"""`oem:///path`: a file of Flatcar's OEM partition; in the image's own copy of it first, else on the partition itself.

Source: Flatcar's documentation, "Ignition configuration", scheme `oem`.
"""

from __future__ import annotations

import os

from ignition_py.report.diag import FetchError, IgnitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ignition_py.fetch.request import Request

IMAGE = "/usr/share/oem"
PARTITION = "/dev/disk/by-label/OEM"
MOUNT_POINT = "/run/ignition/oem"
_CHUNK = 1 << 20


def stream(request: Request) -> Iterator[bytes]:
    """The contents. Raises FetchError."""
    path = request.url.removeprefix("oem://")
    if not path.startswith("/") or ".." in path.split("/"):
        raise FetchError(f"{request.what}: an oem URL is oem:// and an absolute path without ..")
    if os.path.exists(IMAGE + path):
        yield from _read(request, IMAGE + path)
        return
    from ignition_py.system.run import run

    os.makedirs(MOUNT_POINT, mode=0o700, exist_ok=True)
    try:
        run(request.log, ("mount", "-o", "ro", PARTITION, MOUNT_POINT), what="mounting the OEM partition")
    except IgnitionError as error:
        raise FetchError(f"{request.what}: {path} is not in {IMAGE}: {error.message}") from None
    try:
        yield from _read(request, MOUNT_POINT + path)
    finally:
        run(request.log, ("umount", MOUNT_POINT), what="unmounting the OEM partition")


def _read(request: Request, path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise FetchError(f"{request.what}: reading {path}: {error.strerror}") from None
