"""The machines of `ignition_py.rehearsal` under the names that the tests use, and what only tests need.

    cache console image initramfs machine qemu         as in ignition_py/rehearsal/
    quickstart                                         the quickstart, and what a machine made from it must look like
    shell                                              a machine with blank disks and the working tree in it
"""
