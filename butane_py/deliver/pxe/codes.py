"""The codes of what is wrong with the machines of a boot tree."""

from __future__ import annotations

from ignition_py.report.catalog import declare

declare(
    "pxe-key-missing",
    title="A machine has no MAC address",
    why="A boot server tells machines by their MAC addresses (or by the UUID of their firmware). Without one the machine gets no config.",
    fix="Give the host the variable in the inventory; --mac-var and --uuid-var name another one.",
)
declare(
    "pxe-key",
    title="A MAC address or a UUID is not valid",
    why="No machine has such an address, so the host's config would never be served.",
    fix="Write the address of the network card that boots, such as 52:54:00:12:34:56; a UUID as dmidecode prints it.",
)
declare(
    "pxe-key-twice",
    title="Two machines have one MAC address",
    why="One of the two would boot with the config of the other.",
    fix="Give each machine the address of its own network card.",
)
declare(
    "pxe-name",
    title="A host's name does not fit into a boot script",
    why="The scripts of boot loaders give characters such as $, quotes, ; and spaces a meaning of their own.",
    fix="Rename the host: letters, digits, '.', '_' and '-', beginning with a letter or a digit.",
)
declare(
    "pxe-arguments",
    title="Kernel arguments do not fit into a boot script",
    why="The scripts of boot loaders give characters such as $, quotes and ; a meaning of their own, and kernels take a command line of at "
    "most 2,047 bytes.",
    fix="Leave such characters out, and shorten long arguments.",
)
declare(
    "pxe-config",
    title="A config of the build cannot be served",
    why="A boot tree serves Ignition configs as the build's manifest describes them; machines would refuse another one.",
    fix="Build the folder again, with --raw where the variant makes MachineConfigs.",
)
