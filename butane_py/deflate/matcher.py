"""Contents to blocks of literals and matches, exactly as Go 1.27's compress/flate finds them at level 9.

Every position is looked up among the earlier ones with the same hash of four bytes; a match is taken only when the next position has no
longer one (lazy matching). What decides about the size and is not part of the format: how many candidates are tried, the estimated gain
a match must bring, the second look at the end of a match, and how positions are skipped where nothing matches. The encoder sees its input
through a window that moves on by 32 KiB at a time, and looks at the frequencies of the bytes once per move.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import accumulate

from butane_py.deflate.blocks import Block
from butane_py.deflate.huffman import code_lengths
from butane_py.deflate.tables import (
    LENGTH_CODE,
    LENGTH_EXTRA,
    LENGTH_SYMBOLS,
    LONGEST_MATCH,
    OFFSET_CODE,
    OFFSET_EXTRA,
    WINDOW,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST_MATCH = 4
_LOOKAHEAD = _SHORTEST_MATCH + LONGEST_MATCH  # bytes that must be at hand for a position, unless the contents end
_BLOCK_SYMBOLS = 1 << 15
_CANDIDATES = 1024  # earlier positions that are tried, and literals in a row before positions are skipped
_HASH_FACTOR = 2654435761
_HASH_SHIFT = 32 - 17
_LEAST_GAIN = 4  # bits; what a match must save more than
_MATCH_COST = 3  # bits a match is reckoned to take besides its extra bits
_SECOND_LOOK = 2  # bytes at the start of a match that may become literals for a longer match

# Extra bits of a distance as the estimate reckons them: it looks the distance up as if it were stored without subtracting one,
# and 32768 wraps around to the code of 256.
_RECKONED_EXTRA = bytes(OFFSET_EXTRA[code] for code in OFFSET_CODE + bytes([14]))
_LENGTH_SYMBOL = [LENGTH_SYMBOLS + code for code in LENGTH_CODE]
_NO_MATCH = (_SHORTEST_MATCH - 1, 0)


def blocks(contents: bytes) -> Iterator[tuple[Block, bool]]:
    """The blocks of the contents, and for each whether the encoder flushes it (all those it writes on closing)."""
    matcher = _Matcher(contents)
    end = min(2 * WINDOW, len(contents))
    while end < len(contents):
        matcher.run(end, last=False)
        yield from matcher.take()
        matcher.move_window()
        end = min(end + WINDOW, len(contents))
    matcher.run(end, last=True)
    yield from matcher.take()


class _Matcher:
    """All positions are positions in the contents; those below `_base` have left the window."""

    __slots__ = (
        "_base", "_block", "_block_start", "_costs", "_data", "_done", "_end", "_flush", "_given", "_hashes", "_index", "_insert_end",
        "_length", "_literal_run", "_offset", "_older", "_origin", "_seen",
    )  # fmt: skip

    def __init__(self, contents: bytes) -> None:
        self._data = contents
        self._hashes = _hashes(contents)
        # Hash to the positions that have it, ascending: since the window moved last, and between that and the move before.
        self._seen: defaultdict[int, list[int]] = defaultdict(list)
        self._older: dict[int, list[int]] = {}
        self._base = self._end = self._insert_end = 0
        self._index = 0  # the position that is looked at
        self._given = 0  # up to where bytes have been given to a block: `_index`, or the byte before it
        self._length, self._offset = _NO_MATCH  # the match found at the byte before
        self._literal_run = 0
        self._costs: list[int] = []  # bits of all literals from `_origin` to a position; made when needed
        self._origin = 0
        self._flush = False
        self._block = Block()
        self._block_start = 0
        self._done: list[tuple[Block, bool]] = []

    def take(self) -> list[tuple[Block, bool]]:
        """The blocks completed since the last call."""
        done, self._done = self._done, []
        return done

    def move_window(self) -> None:
        """Moves the window on by 32 KiB and forgets what is no longer in it."""
        self._base += WINDOW
        self._older, self._seen = self._seen, defaultdict(list)

    def run(self, end: int, *, last: bool) -> None:
        """Goes through the contents up to about `end`, or to their end with `last`."""
        self._end, self._flush, self._insert_end = end, last, end - (_SHORTEST_MATCH - 1)
        self._costs, self._origin = [], self._index
        index, length, offset, literal_run = self._index, self._length, self._offset, self._literal_run
        pending = self._given < index
        hashes, seen, older, insert_end = self._hashes, self._seen, self._older, self._insert_end
        stop = end if last else end - _LOOKAHEAD + 1
        while index < stop:
            found = _NO_MATCH
            if index < insert_end:
                key = hashes[index]
                places = seen[key]
                if (places or key in older) and length < LONGEST_MATCH and end - index > length:
                    found = self._longest(index)
                places.append(index)
            if length >= _SHORTEST_MATCH and found[0] <= length:
                index = self._take_match(index, length, offset)
                (length, offset), pending, literal_run = _NO_MATCH, False, 0
                continue
            length, offset = found
            index += 1
            if length >= _SHORTEST_MATCH:
                literal_run = 0
            if pending:
                literal_run = literal_run + 1 & 0xFFFF
                if literal_run > _CANDIDATES:
                    index = self._skip(index, literal_run)
                    pending = False
            else:
                pending = True
        self._index, self._length, self._offset, self._literal_run = index, length, offset, literal_run
        self._give_literals(index - pending)
        if last:
            self._give_literals(index)
            self._end_block()

    def _reckon_literals(self) -> list[int]:
        """Makes the table of what literals cost, from the bytes that lay ahead when the window had moved."""
        ahead = self._data[self._origin : self._end]
        frequencies = [0] * 256
        for byte, count in Counter(ahead[:_BLOCK_SYMBOLS]).items():
            frequencies[byte] = count
        lengths = code_lengths(frequencies, 15)
        self._costs = list(accumulate(ahead.translate(lengths.replace(b"\0", b"\1")), initial=0))
        return self._costs

    def _candidates(self, index: int) -> list[int]:
        """The earlier positions that are tried for `index`, the nearest first; some may have left the window."""
        key = self._hashes[index]
        places = self._seen[key][: -_CANDIDATES - 1 : -1]
        if len(places) < _CANDIDATES and key in self._older:
            places += self._older[key][: len(places) - _CANDIDATES - 1 : -1]
        return places

    def _longest(self, index: int) -> tuple[int, int]:
        """The best match for `index`: its length and distance."""
        data, start = self._data, index - self._origin
        lowest = max(index - WINDOW, self._base)
        limit = min(self._end - index, LONGEST_MATCH)
        best, best_gain = _NO_MATCH, _LEAST_GAIN
        needed = _SHORTEST_MATCH
        beginning, ending = data[index : index + needed], data[index + needed - 1]
        for at in self._candidates(index):
            if at < lowest:
                break
            if data[at + needed - 1] != ending or not data.startswith(beginning, at):
                continue
            costs = self._costs or self._reckon_literals()
            length = _common(data, at, index, limit)
            taken = costs[start] + _MATCH_COST + _RECKONED_EXTRA[index - at]
            gain = costs[start + length] - taken - LENGTH_EXTRA[LENGTH_CODE[length]]
            if gain > best_gain:
                best, best_gain = (length, index - at), gain
                if length == limit:
                    break
            # From here on distances only grow, and with them what must be gained; that of a whole window is the exception.
            if lowest == index - WINDOW:
                taken = min(taken, costs[start] + _MATCH_COST + _RECKONED_EXTRA[WINDOW])
            needed = max(best[0] + 1, bisect_right(costs, taken + best_gain, start) - start)
            if needed > limit:
                break
            beginning, ending = data[index : index + needed], data[index + needed - 1]
        return best

    def _take_match(self, index: int, length: int, offset: int) -> int:
        """Gives the match found before `index` to the block, after one or two literals if that makes it longer; the position behind it."""
        literals, length, offset = self._second_look(index - 1, length, offset)
        first = index - 1 + literals
        after = first + length
        self._give_literals(first)
        block = self._block
        block.literals[_LENGTH_SYMBOL[length]] += 1
        block.offsets[OFFSET_CODE[offset - 1]] += 1
        block.count += 1
        self._given = after
        if block.count == _BLOCK_SYMBOLS:
            self._end_block()
        self._remember(index + 1, after)
        return after

    def _second_look(self, index: int, length: int, offset: int) -> tuple[int, int, int]:
        """The match at `index`, or a longer one that has its own end in common: literals before it, length, distance."""
        unchanged = (0, length, offset)
        if length >= LONGEST_MATCH - _SECOND_LOOK or index + length >= self._insert_end:
            return unchanged
        key = self._hashes[index + length]
        places = self._seen.get(key) or self._older.get(key)
        if not places:
            return unchanged
        other = places[-1] - length
        if index - other == offset or other <= max(index + 1 - WINDOW, self._base) + _SECOND_LOOK:
            return unchanged
        data = self._data
        limit = min(self._end - index - 1, LONGEST_MATCH + _SECOND_LOOK) - _SECOND_LOOK
        found = _common(data, other + _SECOND_LOOK, index + _SECOND_LOOK, limit)
        if found <= length:
            return unchanged
        for literals in range(_SECOND_LOOK, 0, -1):
            if found >= LONGEST_MATCH or data[index + literals - 1] != data[other + literals - 1]:
                return literals, found, index - other
            found += 1
        return 0, found, index - other

    def _skip(self, index: int, literal_run: int) -> int:
        """Passes over bytes without looking for matches, the more the longer nothing has matched; the position behind them."""
        after = max(index, min(index + 1 + (literal_run - _CANDIDATES >> 6), self._end - 1))
        self._remember(index, after)
        return after

    def _remember(self, start: int, stop: int) -> None:
        seen = self._seen
        stop = min(stop, self._insert_end)
        for at, key in enumerate(self._hashes[start:stop], start):
            seen[key].append(at)

    def _give_literals(self, stop: int) -> None:
        """Gives the bytes up to `stop` to the block, ending it wherever it is full."""
        while (start := self._given) < stop:
            block, literals = self._block, self._block.literals
            part = self._data[start : min(stop, start + _BLOCK_SYMBOLS - block.count)]
            for byte in part:
                literals[byte] += 1
            block.count += len(part)
            self._given += len(part)
            if block.count == _BLOCK_SYMBOLS:
                self._end_block()

    def _end_block(self) -> None:
        """Ends the block, unless nothing is in it, and begins the next."""
        if self._block.count:
            self._block.size = self._given - self._block_start if self._block_start >= self._base else None
            self._done.append((self._block, self._flush))
            self._block = Block()
            self._block_start = self._given


def _hashes(contents: bytes) -> array[int]:
    """The hash of the four bytes at every position (the last three have none), four bytes each."""
    hashes = array("I", bytes(array("I").itemsize * max(0, len(contents) - 3)))
    for start in range(0, len(hashes), WINDOW):
        for phase in range(start, min(start + 4, len(hashes))):
            count = (min(start + WINDOW + 3, len(contents)) - phase) // 4
            words = struct.unpack_from(f"<{count}I", contents, phase)
            part = [(word * _HASH_FACTOR & 0xFFFFFFFF) >> _HASH_SHIFT for word in words]
            hashes[phase : phase + 4 * count : 4] = array("I", part)
    return hashes


def _common(data: bytes, one: int, other: int, limit: int) -> int:
    """How many bytes from position `one` on are as those from `other` on; at most `limit`."""
    for width in (16, LONGEST_MATCH):
        differing = int.from_bytes(data[one : one + width], "little") ^ int.from_bytes(data[other : other + width], "little")
        if differing:
            return min(limit, (differing & -differing).bit_length() - 1 >> 3)
        if limit <= width:
            return limit
    return limit
