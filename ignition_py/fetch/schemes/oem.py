"""`oem:///path`: a file of Flatcar's OEM partition; in the image's own copy of it first, else on the partition itself.

Source: Flatcar's documentation, "Ignition configuration", scheme `oem`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ignition_py.fetch.request import Request
from ignition_py.report.diag import FetchError, IgnitionError
from ignition_py.system.rootfs import Root, chunks_of

IMAGE = "/usr/share/oem"
PARTITION = "/dev/disk/by-label/OEM"
MOUNT_POINT = "/run/ignition/oem"


def stream(request: Request) -> Iterator[bytes]:
    """The contents. Raises FetchError."""
    path = request.url.removeprefix("oem://")
    if not path.startswith("/") or ".." in path.split("/"):
        raise FetchError(f"{request.what}: an oem URL is oem:// and an absolute path without ..")
    if os.path.exists(IMAGE + path):
        yield from _read(request, IMAGE, path)
        return
    from ignition_py.system.run import run

    os.makedirs(MOUNT_POINT, mode=0o700, exist_ok=True)
    try:
        run(request.log, ("mount", "-o", "ro", PARTITION, MOUNT_POINT), what="mounting the OEM partition")
    except IgnitionError as error:
        raise FetchError(f"{request.what}: {path} is not in {IMAGE}: {error.message}") from None
    try:
        yield from _read(request, MOUNT_POINT, path)
    finally:
        run(request.log, ("umount", MOUNT_POINT), what="unmounting the OEM partition")


def _read(request: Request, folder: str, path: str) -> Iterator[bytes]:
    """The file at `path` below `folder`, which symbolic links see as the root. Raises FetchError."""
    try:
        with Root(os.path.realpath(folder)) as root, root.spot(path, follow=True) as spot:
            fd = spot.open_regular()
            try:
                yield from chunks_of(fd)
            finally:
                os.close(fd)
    except OSError as error:
        raise FetchError(f"{request.what}: reading {folder}{path}: {error.strerror}") from None
