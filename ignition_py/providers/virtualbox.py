"""Platform `virtualbox`: the config is the guest property `/Ignition/Config`.

    fetch()   reads it
    delete()  removes it, so that nobody in the running machine reads it

Source: linux/vboxguest.h and linux/vbox_vmmdev_types.h; the guest property service is a host service (HGCM) behind them.
"""

from __future__ import annotations

import os
from array import array
from fcntl import ioctl

from ignition_py.providers import Machine
from ignition_py.report.diag import IgnitionError

DEVICE = "/dev/vboxguest"
CONFIG = "/Ignition/Config"
# Nothing is defined for it yet, so a value that is not empty means a config that we would misread.
ENCODING = "/Ignition/Config/Encoding"
LIMIT = 64 << 20  # bytes
_SERVICE = b"VBoxGuestPropSvc"
_GET, _DELETE = 1, 4  # functions of the service
_OVERFLOW, _NOT_FOUND, _DENIED = -41, -78, -10  # VERR_BUFFER_OVERFLOW, VERR_NOT_FOUND, VERR_PERMISSION_DENIED
_VERSION_INFO, _CONNECT, _DISCONNECT, _CALL = 0, 4, 5, 7  # numbers of the ioctls
_HEADER = 24  # bytes, struct vbg_ioctl_hdr
_WORD32, _WORD64, _MEMORY, _MEMORY_IN = 1, 2, 4, 5  # VMMDEV_HGCM_PARM_TYPE_…
_ATTEMPTS = 8  # a property can grow between asking for its size and reading it


def fetch(machine: Machine) -> bytes | None:
    """The config, b"" where there is no such property. Raises IgnitionError."""
    with _Service(machine) as service:
        if service.get(ENCODING):
            raise IgnitionError(
                f"the guest property {ENCODING} is set, but no encoding is supported", hint="Remove it, or its value"
            )
        config = service.get(CONFIG)
    if config is None:
        machine.log.info(f"there is no guest property {CONFIG}, so no config")
    else:
        machine.found(f"the guest property {CONFIG}")
    return config or b""


def delete(machine: Machine) -> None:
    """Removes the config. Raises IgnitionError."""
    with _Service(machine) as service:
        service.delete(ENCODING)
        service.delete(CONFIG)


class _Service:
    """A connection to the guest property service; `with` closes it. Every method raises IgnitionError."""

    def __init__(self, machine: Machine) -> None:
        try:
            self._fd = os.open(machine.path(DEVICE), os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise IgnitionError(f"opening {DEVICE}: {error.strerror}") from None
        try:
            self._client = self._connect()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> _Service:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._ask(_DISCONNECT, self._client, 0, what="leaving the guest property service")
        finally:
            os.close(self._fd)

    def get(self, name: str) -> bytes | None:
        """The value of a property, None where there is none."""
        what = f"reading the guest property {name}"
        size = 1
        for _ in range(_ATTEMPTS):
            value = array("B", bytes(size))
            parameters = (_text(name), _memory(_MEMORY, value), _Parameter(_WORD64), _Parameter(_WORD32))
            status, response = self._call(_GET, parameters, what)
            if status == _NOT_FOUND:
                return None
            if status == 0:
                text, end, _ = value.tobytes().partition(b"\0")  # behind it are its flags
                if not end:
                    raise IgnitionError(f"{what}: it has no end")
                return text
            if status != _OVERFLOW:
                break
            size = int.from_bytes(response[-12:-8], "little")
            if size > LIMIT:
                raise IgnitionError(f"{what}: it has {size} bytes; more than {LIMIT} are not read")
        raise IgnitionError(f"{what}: the service answers with error {status}")

    def delete(self, name: str) -> None:
        """Removes a property; one that is not there is fine."""
        what = f"deleting the guest property {name}"
        status, _ = self._call(_DELETE, (_text(name),), what)
        if status not in (0, _NOT_FOUND):
            hint = "Is it read-only for the guest?" if status == _DENIED else ""
            raise IgnitionError(f"{what}: the service answers with error {status}", hint=hint)

    def _connect(self) -> bytes:
        """Agrees on a version and finds the service; the client's number."""
        version = (0x10000).to_bytes(4, "little") * 2
        self._ask(_VERSION_INFO, version.ljust(16, b"\0"), 20, what="asking VirtualBox's driver for its version")
        existing = (2).to_bytes(4, "little") + _SERVICE.ljust(128, b"\0")
        what = "finding VirtualBox's guest property service"
        return self._ask(_CONNECT, existing, 4, what=what)[_HEADER : _HEADER + 4]

    def _call(self, function: int, parameters: tuple[_Parameter, ...], what: str) -> tuple[int, bytes]:
        """Calls the service; its status, and the parameters as it leaves them."""
        head = self._client + b"".join(
            (
                function.to_bytes(4, "little"),
                b"\xff\xff\xff\xff",  # waits as long as it takes
                b"\x01\x00",  # can be interrupted
                len(parameters).to_bytes(2, "little"),
            )
        )
        body = head + b"".join(parameter.encoded for parameter in parameters)
        message = self._message(_CALL, body, len(body), what)
        return int.from_bytes(message[12:16], "little", signed=True), bytes(message)

    def _ask(self, number: int, body: bytes, room: int, *, what: str) -> bytes:
        message = self._message(number, body, room, what)
        status = int.from_bytes(message[12:16], "little", signed=True)
        if status != 0:
            raise IgnitionError(f"{what}: it answers with error {status}")
        return bytes(message)

    def _message(self, number: int, body: bytes, room: int, what: str) -> bytearray:
        """One ioctl with `body` behind the header; the response has `room` bytes behind its header."""
        sizes = (_HEADER + len(body), 0x10001, 0, 0, _HEADER + room, 0)
        header = b"".join(size.to_bytes(4, "little") for size in sizes)
        message = bytearray(header + body.ljust(room, b"\0"))
        request = 3 << 30 | len(message) << 16 | ord("V") << 8 | number  # _IOWR of asm-generic/ioctl.h
        try:
            ioctl(self._fd, request, message, True)
        except OSError as error:
            raise IgnitionError(f"{what}: {error.strerror}") from None
        return message


class _Parameter:
    """One of struct vmmdev_hgcm_function_parameter64, and the memory that it points to."""

    __slots__ = ("_memory", "encoded")

    def __init__(self, kind: int, content: bytes = b"", memory: object = None) -> None:
        self.encoded = kind.to_bytes(4, "little") + content.ljust(12, b"\0")
        self._memory = memory  # kept for as long as the service may look at it


def _memory(kind: int, content: array[int]) -> _Parameter:
    """A pointer to `content`, and its size."""
    address, length = content.buffer_info()
    return _Parameter(kind, length.to_bytes(4, "little") + address.to_bytes(8, "little"), content)


def _text(name: str) -> _Parameter:
    return _memory(_MEMORY_IN, array("B", name.encode() + b"\0"))
