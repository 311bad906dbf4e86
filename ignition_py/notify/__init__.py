"""Tells others how a first boot went: the sinks that a report goes to, and what it says.

    a stage fails (cli.py), or the emergency path begins     -> tell.py -> sinks/ one file each
    the files stage is done (cli.py)                         -> handover.py leaves a unit and the executor in /run
    that unit in the real root                               -> program.py -> tell.py

settings.py says which sinks are wanted, event.py makes the body. docs/report.md is for operators. The config has no say: one that
cannot be parsed has to be reported too.
"""
