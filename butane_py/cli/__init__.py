"""Command lines of butane-py."""
