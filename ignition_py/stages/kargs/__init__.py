"""The kargs stage: adds and removes kernel arguments, and reboots where something changed.

    the image's ignition-kargs-helper, if it has one -> it does all of it, the reboot too
    none                                             -> builtin.py edits boot entries (GRUB with BLS, systemd-boot)
"""

from __future__ import annotations

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import KernelArguments
from ignition_py.stages import preflight
from ignition_py.system.host import in_initramfs, kernel_command_line, which

HELPER = "ignition-kargs-helper"  # brought by the image; knows its boot loader


def run(ctx: Context) -> None:
    """Changes the arguments if the config has any. Raises StageError, CommandError."""
    preflight.check(ctx)
    argv = command(ctx.config.kernel_arguments)
    if len(argv) == 1:
        ctx.log.info("kargs: the config has no kernel arguments")
        return
    from ignition_py.stages.disks.places import AskedBy

    with AskedBy(ctx.config.kernel_arguments):
        _change(ctx, argv)


def _change(ctx: Context, argv: tuple[str, ...]) -> None:
    if which(HELPER):
        from ignition_py.system.run import run as run_program

        with ctx.log.step("kargs: updating the kernel arguments"):
            run_program(ctx.log, argv, what="updating the kernel arguments")
        return
    if not in_initramfs():
        raise StageError(
            f"updating the kernel arguments: there is no {HELPER}, and boot entries are changed in an initramfs only",
            hint="Run this stage in the initramfs of a first boot",
        )
    _change_entries(ctx)


def _change_entries(ctx: Context) -> None:
    from ignition_py.stages.kargs.builtin import change_arguments, reboot

    arguments = ctx.config.kernel_arguments
    command_line = kernel_command_line()
    with ctx.log.step("kargs: changing the boot entries"):
        changed = change_arguments(ctx.log, arguments.should_exist, arguments.should_not_exist, command_line)
    if changed:
        reboot(ctx.log)


def command(arguments: KernelArguments) -> tuple[str, ...]:
    """The helper's command line; just its name where there is nothing to do."""
    wanted = [word for argument in arguments.should_exist for word in ("--should-exist", argument)]
    unwanted = [word for argument in arguments.should_not_exist for word in ("--should-not-exist", argument)]
    return (HELPER, *wanted, *unwanted)
