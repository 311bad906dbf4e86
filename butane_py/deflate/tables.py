"""Codes and extra bits of match lengths and distances. Source: RFC 1951, section 3.2.5. Used by the matcher and by the block sizes."""

from __future__ import annotations

END_OF_BLOCK = 256  # the literal/length symbol behind the last symbol of a block
LENGTH_SYMBOLS = 257  # the first symbol that stands for a match length
LITERAL_COUNT = 286  # literal/length symbols: bytes, the end of the block, 29 ranges of match lengths
OFFSET_COUNT = 30  # ranges of match distances
WINDOW = 1 << 15  # bytes that a match may reach back
LONGEST_MATCH = 258

LENGTH_EXTRA = bytes(8) + bytes(bits for bits in range(1, 6) for _ in range(4)) + bytes(1)
OFFSET_EXTRA = bytes(4) + bytes(bits for bits in range(1, 14) for _ in range(2))

# The code of a match of N bytes at N (from 3 on): every code stands for 2 ** extra bits lengths; 258 has a code of its own.
LENGTH_CODE = (bytes(3) + b"".join(bytes([code]) * (1 << bits) for code, bits in enumerate(LENGTH_EXTRA[:28])))[:258] + bytes([28])
# The code of distance N at N - 1.
OFFSET_CODE = b"".join(bytes([code]) * (1 << bits) for code, bits in enumerate(OFFSET_EXTRA))

# What every literal/length symbol costs besides its own code, in bits.
LITERAL_EXTRA = bytes(LENGTH_SYMBOLS) + LENGTH_EXTRA

# Section 3.2.6: the code lengths of a block with fixed codes.
FIXED_LITERALS = bytes([8]) * 144 + bytes([9]) * 112 + bytes([7]) * 24 + bytes([8]) * 6
FIXED_OFFSETS = bytes([5]) * OFFSET_COUNT
