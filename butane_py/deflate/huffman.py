"""Lengths of Huffman codes, as the reference's encoder picks them. Used by the matcher (cost of a literal) and by the block sizes.

Codes of one total length can be had with different lengths per symbol; which are taken shows in the size of a block's header, so ties are
broken as the reference breaks them: a pair comes before a symbol of the same frequency, and of symbols of the same frequency the higher
one gets the shorter code. Source: Larmore and Hirschberg's package-merge algorithm, RFC 1951 section 3.2.7.
"""

from __future__ import annotations

from itertools import groupby
from operator import add, mul

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EXTRA = bytes(16) + bytes([2, 3, 7])  # bits behind the symbols of a header's own code
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # in which a header gives the code lengths of its own code
_HEADER_LIMIT = 7


def code_lengths(frequencies: Sequence[int], limit: int) -> bytes:
    """The code length in bits of every symbol (0: does not occur), at most `limit`, for these frequencies."""
    lengths = bytearray(len(frequencies))
    order = sorted([(count, symbol) for symbol, count in enumerate(frequencies) if count])
    if len(order) <= 2:
        for _, symbol in order:
            lengths[symbol] = 1
        return bytes(lengths)
    last = len(order)
    for bits, count in enumerate(_symbols_per_length([count for count, _ in order], min(limit, last - 1)), 1):
        for _, symbol in order[last - count : last]:
            lengths[symbol] = bits
        last -= count
    return bytes(lengths)


def _symbols_per_length(ascending: list[int], limit: int) -> list[int]:
    """How many symbols get a code of 1, 2, ... `limit` bits; `ascending` are their frequencies.

    A row of package-merge holds every symbol and the pairs of the row below. Items are kept as 4 * frequency, and 1 more for a symbol,
    so that sorting breaks ties and shows which is which; two ones in the sum of a pair do not reach the frequency and are masked out.
    """
    symbols = [4 * frequency + 1 for frequency in ascending]
    row: list[int] = []
    rows: list[list[int]] = []
    while len(rows) < limit:
        pairs = [both & ~3 for both in map(add, row[::2], row[1::2])]
        below, row = row, sorted(pairs + symbols)
        if row == below:  # and so are all that follow
            rows += [row] * (limit - len(rows))
        else:
            rows.append(row)
    taken = 2 * len(symbols) - 2
    counts = []
    while taken:
        leaves = sum([item & 1 for item in rows.pop()[:taken]])
        counts.append(leaves)
        taken = 2 * (taken - leaves)
    return [more - fewer for more, fewer in zip(counts, [*counts[1:], 0], strict=True)]


def header_bits(literals: bytes, offsets: bytes) -> int:
    """The bits of the header of a block with these code lengths (both cut behind the last symbol that occurs)."""
    frequencies = _run_lengths(literals + offsets)
    lengths = code_lengths(frequencies, _HEADER_LIMIT)
    given = len(_ORDER)
    while given > 4 and not frequencies[_ORDER[given - 1]]:
        given -= 1
    codes: int = sum(map(mul, frequencies, lengths))
    extra: int = sum(map(mul, frequencies, _EXTRA))
    return 3 + 5 + 5 + 4 + 3 * given + codes + extra


def _run_lengths(lengths: bytes) -> list[int]:
    """How often every symbol of the header's own code occurs: lengths 0 to 15, a repeated length, short and long runs of zeros."""
    frequencies = [0] * len(_ORDER)
    for size, group in groupby(lengths):
        run = len(list(group))
        if size:
            frequencies[size] += 1
            repeats, run = divmod(run - 1, 6)
            if run >= 3:
                repeats, run = repeats + 1, 0
            frequencies[16] += repeats
        else:
            repeats, run = divmod(run, 138)
            if run >= 11:
                repeats, run = repeats + 1, 0
            frequencies[18] += repeats
            if run >= 3:
                frequencies[17] += 1
                run = 0
        frequencies[size] += run
    return frequencies
