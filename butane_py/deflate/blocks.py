"""The bits that the reference's encoder writes for blocks of symbols: stored, with fixed codes, with new codes or with the last ones.

The matcher gives the blocks, `gzip_size` adds what stands around them. Source: RFC 1951, section 3.2; the choice between the kinds of
block is the one of Go 1.27's compress/flate at levels 7 to 9.
"""

from __future__ import annotations

import struct
from operator import mul

from butane_py.deflate.huffman import code_lengths, header_bits
from butane_py.deflate.tables import (
    END_OF_BLOCK,
    FIXED_LITERALS,
    FIXED_OFFSETS,
    LENGTH_EXTRA,
    LENGTH_SYMBOLS,
    LITERAL_COUNT,
    LITERAL_EXTRA,
    OFFSET_COUNT,
    OFFSET_EXTRA,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_CODE = 15
_STORED_MOST = 65535  # bytes that one stored block can hold
_FIXED_BELOW = 250  # symbols; fixed codes are considered for smaller blocks only
_NEW_CODES_PENALTY = 8  # new codes are reckoned as costing 1 / 2 ** 8 more than estimated
_FLOAT32 = struct.Struct("<f")
_INT32 = struct.Struct("<i")


class Block:
    """Symbols to write together: how often each occurs, and how many bytes they stand for (None: not in the window any more)."""

    __slots__ = ("count", "literals", "offsets", "size")

    def __init__(self) -> None:
        self.literals = [0] * LITERAL_COUNT
        self.literals[END_OF_BLOCK] = 1
        self.offsets = [0] * OFFSET_COUNT
        self.count = 0
        self.size: int | None = 0


class BlockWriter:
    """Counts the bits of a stream of blocks. `bits` is what has been written so far."""

    __slots__ = ("_header", "_literals", "_offsets", "bits")

    def __init__(self) -> None:
        self.bits = 0
        self._literals = b""
        self._offsets = b""
        self._header = 0  # bits of the header of the codes in use; more than 0 also says that their block is still open

    def write(self, block: Block, *, flush: bool) -> None:
        """Writes a block; `flush` ends it, otherwise it stays open for more symbols with the same codes."""
        if self._header and not self._can_continue(block):
            self._end_block()
        offsets = block.offsets if any(block.offsets) else [1] + [0] * (OFFSET_COUNT - 1)  # a header gives one distance at least
        extra = _cost(block.literals, LITERAL_EXTRA) + _cost(block.offsets, OFFSET_EXTRA)
        fixed = 3 + _cost(block.literals, FIXED_LITERALS) + _cost(offsets, FIXED_OFFSETS) + extra
        count = block.count + flush
        stored = 8 * (block.size + 5) if block.size is not None and block.size <= _STORED_MOST else None
        if self._header:
            size = self._continue_or_not(block, offsets, extra, count)
            if count < _FIXED_BELOW and fixed + 7 < size:
                self._write_plain(block, extra, None if stored is None or stored > size else stored)
                return
            if stored is not None and stored <= size:
                self._write_plain(block, extra, stored)
                return
        if not self._header and not self._start_block(block, offsets, extra, fixed, stored, count):
            return
        if flush:
            self._header = 0
        self.bits += _cost(block.literals, self._literals) + _cost(block.offsets, self._offsets) + extra
        if not flush:
            self.bits -= self._literals[END_OF_BLOCK]

    def close(self) -> int:
        """Ends the stream with an empty block; its length in bytes."""
        self._end_block()
        self.bits += 3 + FIXED_LITERALS[END_OF_BLOCK]
        self._align()
        return self.bits // 8

    def _can_continue(self, block: Block) -> bool:
        """Whether the codes in use have one for every symbol of the block."""
        return all(bits or not count for count, bits in zip(block.literals, self._literals, strict=True)) and all(
            bits or not count for count, bits in zip(block.offsets, self._offsets, strict=True)
        )

    def _continue_or_not(self, block: Block, offsets: list[int], extra: int, count: int) -> int:
        """Ends the open block where new codes seem to be better; the reckoned size in bits of what is better."""
        new = self._header + estimated_bits(block, count)
        new += self._literals[END_OF_BLOCK] + (new >> _NEW_CODES_PENALTY)
        same = _cost(block.literals, self._literals) + _cost(offsets, self._offsets) + extra
        if new < same:
            self._end_block()
        return min(new, same)

    def _start_block(self, block: Block, offsets: list[int], extra: int, fixed: int, stored: int | None, count: int) -> bool:
        """Makes codes for the block and writes their header; False where the block is smaller without and has been written so."""
        literals = code_lengths(block.literals, _LONGEST_CODE)
        distances = code_lengths(offsets, _LONGEST_CODE)
        header = header_bits(literals.rstrip(b"\0"), distances.rstrip(b"\0"))
        size = header + _cost(block.literals, literals) + _cost(offsets, distances) + extra
        if count < _FIXED_BELOW and fixed <= size:
            self._write_plain(block, extra, None if stored is None or stored > fixed else stored)
            return False
        if stored is not None and stored <= size:
            self._write_plain(block, extra, stored)
            return False
        self._literals, self._offsets, self._header = literals, distances, header
        self.bits += header
        return True

    def _write_plain(self, block: Block, extra: int, stored: int | None) -> None:
        """Writes the block as it is (`stored` is its size in bits then) or with fixed codes."""
        self._end_block()
        self.bits += 3
        if stored is None:
            self.bits += _cost(block.literals, FIXED_LITERALS) + _cost(block.offsets, FIXED_OFFSETS) + extra
        else:
            self._align()
            self.bits += stored - 8

    def _end_block(self) -> None:
        if self._header:
            self.bits += self._literals[END_OF_BLOCK]
            self._header = 0

    def _align(self) -> None:
        self.bits = (self.bits + 7) & ~7


def estimated_bits(block: Block, count: int) -> int:
    """About how many bits new codes would take for `count` symbols, rounded as the reference's 32-bit arithmetic rounds.

    (Where Go fuses multiplication and addition, which it does not on x86-64 unless told to, the last digit can differ.)
    """
    if not count:
        return 0
    total = _entropy(0.0, block.literals[:END_OF_BLOCK], count)
    lengths = block.literals[LENGTH_SYMBOLS:]
    total = _entropy(_round(total + 15), lengths, count)  # 15: the end of the block
    if matches := sum(lengths):
        total = _entropy(total, block.offsets, matches)
    return int(total) + _cost(lengths, LENGTH_EXTRA) + _cost(block.offsets, OFFSET_EXTRA)


def _entropy(total: float, frequencies: Iterable[int], count: int) -> float:
    """`total` and the bits of symbols with these frequencies among `count`, between 1 and 15 for each."""
    share = _round(1 / count)
    for frequency in frequencies:
        if frequency:
            bits = min(15.0, max(1.0, -_about_log2(_round(frequency * share))))
            total = _round(total + _round(bits * frequency))
    return total


def _about_log2(value: float) -> float:
    """A quadratic approximation of the binary logarithm: the exponent, and a parabola over the mantissa."""
    (bits,) = _INT32.unpack(_FLOAT32.pack(value))
    (mantissa,) = _FLOAT32.unpack(_INT32.pack(bits & 0x7FFFFF | 127 << 23))
    parabola = _round(_round(_round(_round(_SQUARE * mantissa) + _LINE) * mantissa) - _BASE)
    return _round(float((bits >> 23 & 255) - 128) + parabola)


def _round(value: float) -> float:
    """The nearest number of 32 bits."""
    rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    return rounded


_SQUARE, _LINE, _BASE = _round(-0.34484843), _round(2.02466578), _round(0.67487759)


def _cost(frequencies: list[int], bits: bytes) -> int:
    return sum(map(mul, frequencies, bits))
