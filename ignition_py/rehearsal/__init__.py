"""Boots a config in a throw-away machine: `ignition-py rehearse`, and the machines of tests/vm.

    cache      where built things are kept, under which key
    image      the Debian tree (mmdebstrap) and the root disk made from it
    initramfs  dracut run inside that tree; our own Python as a segment of its own
    qemu       which accelerator works here; the command line
    console    the serial console, line by line, and how it says that a boot has failed
    machine    a disk, blank disks, a config: boot it, ask the booted system, kill it
    guest/     files that go into the image: among them the agent that answers

No stage imports it, and it needs nothing but the standard library.
"""
