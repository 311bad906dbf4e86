"""The command line of `ignition-py`: each module declares one click command for a module of the folder above.

No module below imports anything heavy but click at its top: the group imports a command's module when the command is named.
"""
