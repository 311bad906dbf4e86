"""How many bytes the reference's DEFLATE encoder writes: what `gzip_size` is made of.

tables (codes of lengths and distances) <- matcher (contents to blocks of symbols) and huffman (code lengths) <- blocks (bits of a block).
"""
