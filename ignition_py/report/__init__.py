"""Diagnostics of both programs: entries with places as data, and their renderers."""
