"""Boot trees: what a boot server hands out, so that each machine of a fleet boots with its own config.

    machines.py   the folder of a build, an inventory -> Machine: MAC addresses, config, kernel arguments; all that is wrong with them
    layouts.py    a table of boot loaders; each row's writer is pure: Machines -> texts of files
    tree.py       writes the files, and removes those of machines that are gone
"""
