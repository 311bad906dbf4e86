"""VMware's guest RPC through the "backdoor": an I/O port that the hypervisor watches, for programs too.

    present()      is this a virtual machine of VMware's, with the port open?
    get(), put()   guestinfo variables, by the commands info-get and info-set

The port takes its arguments in processor registers, so a few instructions are put into memory and called. Only where
the processor says that the hypervisor is VMware's: elsewhere the port would kill this process. Source: open-vm-tools,
lib/include/backdoor_def.h and lib/message/message.c; the low-bandwidth half of the protocol, four bytes at a time.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE, mmap

from ignition_py.report.diag import IgnitionError

LIMIT = 64 << 20  # bytes of an answer
_MAGIC, _PORT = 0x564D5868, 0x5658
_GET_VERSION, _MESSAGE = 10, 0x1E  # commands
_OPEN, _SEND_SIZE, _SEND, _RECEIVE_SIZE, _RECEIVE, _RECEIVED, _CLOSE = range(7)  # kinds of messages
_SUCCESS, _WAITING, _CHECKPOINT = 0x01, 0x02, 0x10  # bits of the status
_RPCI, _WITH_COOKIE = 0x49435052, 0x80000000
_ATTEMPTS = 16  # a checkpoint (snapshot, migration) in the middle of a message means to send it again
_ALL_ONES = 0xFFFFFFFF

# void f(uint64_t r[7]): loads rax rbx rcx rdx rsi rdi rbp from r, executes one instruction, and stores them back.
_ENTER = bytes.fromhex("53 55 57 488b07 488b5f08 488b4f10 488b5718 488b7720 488b6f30 488b7f28")
_LEAVE = bytes.fromhex("48873c24 488907 48895f08 48894f10 48895718 48897720 48896f30 58 48894728 5d 5b c3")
_CPUID, _IN = b"\x0f\xa2", b"\xed"  # cpuid; in %dx,%eax
_AX, _BX, _CX, _DX, _SI, _DI = range(6)


class _Checkpoint(Exception):
    """The hypervisor has forgotten the message that was under way."""


def present() -> bool:
    """True if this is a virtual machine of VMware's whose RPC channel this program can use."""
    if os.uname().machine != "x86_64":
        return False
    if not _cpuid(1)[_CX] >> 31 & 1:
        return False
    registers = _cpuid(0x40000000)
    vendor = b"".join((registers[index] & _ALL_ONES).to_bytes(4, "little") for index in (_BX, _CX, _DX))
    if vendor != b"VMwareVMware":
        return False
    return _backdoor(cx=_GET_VERSION)[_AX] & _ALL_ONES not in (0, _ALL_ONES)


def get(name: str) -> bytes | None:
    """The value of a variable, None where it is not set. Raises IgnitionError."""
    good, answer = _command(f"info-get {name}".encode(), f"reading {name}")
    return answer if good else None


def put(name: str, value: bytes) -> None:
    """Sets a variable. Raises IgnitionError."""
    what = f"setting {name}"
    good, answer = _command(f"info-set {name} ".encode() + value, what)
    if not good:
        raise IgnitionError(f"{what}: VMware refuses ({answer[:100].decode('utf-8', 'replace')!a})")


def _command(command: bytes, what: str) -> tuple[bool, bytes]:
    """Sends a command; whether it was understood and what the answer is."""
    channel = _Channel(what)
    try:
        answer = channel.exchange(command)
    finally:
        channel.close()
    if answer[:2] not in (b"0 ", b"1 "):
        raise IgnitionError(f"{what}: VMware's answer is not understood")
    return answer[:1] == b"1", answer[2:]


class _Channel:
    """A connection to the hypervisor. Every method but close() raises IgnitionError."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._number = self._si = self._di = 0
        for flag in (_WITH_COOKIE, 0):
            registers = _backdoor(bx=_RPCI | flag, cx=_OPEN << 16 | _MESSAGE)
            if _status(registers) & _SUCCESS:
                break
        else:
            raise IgnitionError(f"{what}: VMware opens no channel")
        self._number = _high(registers[_DX])
        self._si, self._di = registers[_SI] & _ALL_ONES, registers[_DI] & _ALL_ONES

    def exchange(self, command: bytes) -> bytes:
        for _ in range(_ATTEMPTS):
            try:
                self._send(command)
                return self._receive()
            except _Checkpoint:
                continue
        raise IgnitionError(f"{self._what}: VMware interrupted it {_ATTEMPTS} times")

    def close(self) -> None:
        self._ask(_CLOSE)

    def _send(self, command: bytes) -> None:
        self._checked(_SEND_SIZE, len(command))
        for start in range(0, len(command), 4):
            self._checked(_SEND, int.from_bytes(command[start : start + 4], "little"))

    def _receive(self) -> bytes:
        registers = self._checked(_RECEIVE_SIZE)
        if not _status(registers) & _WAITING:
            return b""
        size = registers[_BX] & _ALL_ONES
        if _high(registers[_DX]) != _SEND_SIZE or size > LIMIT:
            raise IgnitionError(f"{self._what}: VMware's answer is not understood")
        pieces = []
        for _ in range(0, size, 4):
            registers = self._checked(_RECEIVE, _SUCCESS)
            if _high(registers[_DX]) != _SEND:
                raise IgnitionError(f"{self._what}: VMware's answer is not understood")
            pieces.append((registers[_BX] & _ALL_ONES).to_bytes(4, "little"))
        self._ask(_RECEIVED, _SUCCESS)
        return b"".join(pieces)[:size]

    def _checked(self, kind: int, bx: int = 0) -> list[int]:
        """Asks; the answer's registers. Raises _Checkpoint too."""
        registers = self._ask(kind, bx)
        status = _status(registers)
        if not status & _SUCCESS:
            if status & _CHECKPOINT:
                raise _Checkpoint
            raise IgnitionError(f"{self._what}: VMware breaks off")
        return registers

    def _ask(self, kind: int, bx: int = 0) -> list[int]:
        return _backdoor(bx=bx, cx=kind << 16 | _MESSAGE, dx=self._number << 16, si=self._si, di=self._di)


def _high(register: int) -> int:
    return register >> 16 & 0xFFFF


def _status(registers: list[int]) -> int:
    return _high(registers[_CX])


def _backdoor(*, bx: int = 0, cx: int, dx: int = 0, si: int = 0, di: int = 0) -> list[int]:
    """Asks at the port; the registers of the answer."""
    return _execute(_IN, _MAGIC, bx, cx, dx | _PORT, si, di)


def _cpuid(leaf: int) -> list[int]:
    return _execute(_CPUID, leaf, 0, 0, 0, 0, 0)


_prepared: dict[bytes, Callable[[object], None]] = {}


def _execute(instruction: bytes, *registers: int) -> list[int]:
    """Executes one instruction with these registers; what it leaves in them."""
    if instruction not in _prepared:
        _prepared[instruction] = _prepare(instruction)
    values = (ctypes.c_uint64 * 7)(*registers, 0)
    _prepared[instruction](values)
    return list(values)


def _prepare(instruction: bytes) -> Callable[[object], None]:
    """A function around the instruction, in memory that can be executed."""
    code = _ENTER + instruction + _LEAVE
    try:
        memory = mmap(-1, len(code), MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE | PROT_EXEC)
    except OSError as error:
        raise IgnitionError(f"memory for talking to VMware: {error.strerror}") from None
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    function: Callable[[object], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
    _keep.append(memory)
    return function


_keep: list[object] = []  # memory must not go while functions are in it
