"""The command line of `ignition-py rehearse`."""

from __future__ import annotations

import click

from ignition_py.programs.cli.options import CONFIG, FILES_DIR, styles
from ignition_py.programs.commands import DURATION, FILE, command
from ignition_py.programs.rehearse import AS_WANTED, MEMORY, NO_MACHINE, NOT_SO, USAGE, Wishes, rehearse


@command(
    "rehearse",
    example="ignition-py rehearse config.bu\nignition-py rehearse config.bu --image disk.qcow2 --disk 20G:data",
    statuses={
        AS_WANTED: "the machine is as the config says",
        NOT_SO: "it is not, was not provisioned, or the config is not valid",
        USAGE: "wrong usage",
        NO_MACHINE: "there could be no machine",
    },
)
@CONFIG
@click.option("--append", default="", metavar="WORDS", help="With --kernel: more words for the kernel command line.")
@click.option("--console", type=FILE, default="", help="Write the machine's whole console to a file.")
@click.option(
    "--disk", "disks", multiple=True, metavar="SIZE[:SERIAL]", help="A blank disk; repeatable (default: what the config names)."
)
@FILES_DIR
@styles("text", "json", text="How to show the result.")
@click.option("--image", type=FILE, default="", help="A disk image to boot (raw, qcow2, vmdk, vhdx; default: a small Debian, built once).")
@click.option("--initrd", type=FILE, default="", help="With --kernel: the initramfs.")
@click.option("--kernel", type=FILE, default="", help="Boot --image with this kernel and not with its own boot loader.")
@click.option("--memory", default=MEMORY, metavar="SIZE", help="Memory of the machine.")
@click.option("--offline", is_flag=True, help="Let the machine reach nothing outside.")
@click.option("--platform", default="qemu", help="How the machine is handed its config.")
@click.option("--timeout", type=DURATION, default="6m40s", help="How long the boot may take.")
def run(
    config: str,
    append: str,
    console: str,
    disks: tuple[str, ...],
    files_dir: str | None,
    style: str,
    image: str,
    initrd: str,
    kernel: str,
    memory: str,
    offline: bool,
    platform: str,
    timeout: float,
) -> int:
    """Boot a config in a throw-away virtual machine and compare what was provisioned with the config.

    Takes Butane and Ignition configs. Nothing on this host changes but the cache of built images.
    """
    wishes = Wishes(
        files_dir=files_dir,
        platform=platform,
        image=image,
        kernel=kernel,
        initrd=initrd,
        append=append,
        disks=disks,
        memory=memory,
        offline=offline,
        timeout=timeout,
    )
    contradiction = wishes.contradiction()
    if contradiction:
        raise click.UsageError(contradiction)
    return rehearse("ignition-py rehearse", config, wishes, as_json=style == "json", console=console)
