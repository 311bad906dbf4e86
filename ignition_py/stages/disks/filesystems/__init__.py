"""Filesystems and swap areas: planned and made."""
