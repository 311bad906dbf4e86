"""`ignition-py receive`: takes the reports of a fleet's first boots, and says when all machines are provisioned, or one has failed.

    server.py    HTTP: bounded bodies, connections and times -> arrived.py: what a report says -> fleet.py: the state of each machine
    fleet.py     -> store.py (a file a machine), screen.py (table or lines), metrics.py (Prometheus)
    hosts.py     which machines are expected, and how a report names one; tokens

What arrives is hostile: it is checked for types and sizes, names files through an escape, and reaches no terminal unprintable.
"""
