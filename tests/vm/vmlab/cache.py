"""See ignition_py/rehearsal/cache.py."""

from __future__ import annotations

from ignition_py.rehearsal.cache import Say, cache_directory, cached, files_below, key_of, locked, silent

__all__ = ["Say", "cache_directory", "cached", "files_below", "key_of", "locked", "silent"]
