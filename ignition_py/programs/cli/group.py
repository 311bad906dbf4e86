"""`ignition-py`: the group of all commands. A command's module is imported when the command is named."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from ignition_py import version_text
from ignition_py.programs.commands import Command, Group, completion_command

# Command -> what it does, for the list. Its module is ignition_py.programs.cli.NAME, with `-` as `_`, and has a `run`.
COMMANDS = {
    "validate": "Check configs and report what is wrong with them.",
    "render": "Print a config with everything merged into it.",
    "convert": "Write a config in another version of the spec.",
    "plan": "Show what would happen to this machine's disks, or to disk images.",
    "explain": "Explain the codes of reports.",
    "rehearse": "Boot a config in a throw-away virtual machine.",
    "check": "Compare a machine, or all of a fleet, with its config.",
    "apply": "Apply a config to a root directory while an image is built.",
    "initrd": "Make an initramfs, or an archive to append to one.",
    "fetch": "Get this machine's config, or say where it comes from.",
    "status": "Say whether this machine has been provisioned.",
    "analyze": "Show where the time of provisioning went.",
    "collect-logs": "Write an archive of what is known about provisioning.",
    "receive": "Wait for the reports of a fleet's first boots.",
    "rmcfg": "Delete the config from the platform.",
}


class _Commands(Group):
    """The group, whose commands are imported by name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_command(completion_command("ignition-py"))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return super().get_command(ctx, name)
        found: Command | Group = import_module(f"ignition_py.programs.cli.{name.replace('-', '_')}").run
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items(), *((name, each.get_short_help_str()) for name, each in self.commands.items())])


program = _Commands(
    name="ignition-py",
    version=version_text(),
    help="Checks, plans and rehearses Ignition configs, builds initramfs images, and looks at machines that were provisioned.\n\n"
    "A boot runs `ignition --platform P --stage S`; see `ignition --help`.",
    example="ignition-py validate config.bu\nignition-py plan config.bu --disk vda=10G\nignition-py COMMAND --help",
)
