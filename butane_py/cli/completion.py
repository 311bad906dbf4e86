"""Completion of everything that `butane-py` takes: the compiler's flags and files, and the commands with theirs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from butane_py.cli.flags import COMPLETE, FLAGS, SUBCOMMANDS
from ignition_py.goflags import SWITCH
from ignition_py.programs.commands import Group, completion_command

NAME = "butane-py"
_FOLDERS = ("files-dir", "output-dir")


class _Program(Group):
    """The program as click sees it. Only completion asks it: the compiler's own flags are read in the reference's manner."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "completion":
            return completion_command(NAME)
        if cmd_name not in SUBCOMMANDS:
            return None
        found: click.Command = import_module(SUBCOMMANDS[cmd_name][0]).run
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, flags, and files to compile."""
        return [*super().shell_complete(ctx, incomplete), CompletionItem(incomplete, type="file")]


def _options() -> list[click.Parameter]:
    return [_option(flag.name, flag) for flag in FLAGS if not flag.hidden]


def _option(name: str, flag: Any) -> click.Option:
    names = [f"--{name}", *([f"-{flag.short}"] if flag.short else [])]
    if flag.kind == SWITCH:
        return click.Option(names, is_flag=True, help=flag.text)
    if name == "target":
        return click.Option(names, multiple=True, shell_complete=_targets, help=flag.text)
    if flag.choices:
        kind: click.ParamType[Any] = click.Choice(flag.choices)
    else:
        kind = click.Path(file_okay=name not in _FOLDERS) if flag.noun in ("file", "folder") else click.STRING
    return click.Option(names, type=kind, help=flag.text)


def _targets(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from butane_py.targets.registry import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def program() -> Group:
    """The program as click sees it."""
    return _Program(NAME, params=_options(), invoke_without_command=True)


def complete(name: str) -> int:
    """Answers a shell that asks for completions; the exit status."""
    return program().run([], name, complete_var=COMPLETE)


def main(name: str, argv: Sequence[str]) -> int:
    """Runs `butane-py completion`; the exit status."""
    return program().run(["completion", *argv], name.partition(" ")[0])
