"""Ignition in Python: provisions a machine from its config at first boot.

Nothing is imported here; every stage is a process of its own and imports what it needs. Start reading at `cli.py`.
"""

__version__ = "0.1.0"
# The release of the reference whose command line, config language and behaviour this one follows.
COMPATIBLE = "2.27.0"
