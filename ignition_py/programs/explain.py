"""`explain [CODE...]` of both programs: what the codes of reports mean, with examples."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from ignition_py.programs.commands import command
from ignition_py.report import explain as texts
from ignition_py.report.catalog import load


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in load() if name.startswith(incomplete)]


@command(
    "explain",
    example="butane-py explain path-not-clean\nbutane-py explain --format json > codes.json",
    statuses={0: "explained", 1: "there is no such code", 2: "wrong usage"},
)
@click.argument("names", metavar="[CODE]...", nargs=-1, shell_complete=_complete)
@click.option("-l", "--list", "as_list", is_flag=True, help="List all codes.")
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", help="Format of the output.")
def run(names: tuple[str, ...], as_list: bool, style: str) -> int:
    """Explain codes of reports: what is wrong, why it matters, how to fix it, a wrong and a right example.

    Without a code, all are listed.
    """
    codes = load()
    unknown = [name for name in names if name not in codes]
    if unknown:
        path = click.get_current_context().command_path
        click.echo(f"{path}: {texts.closest(unknown[0], codes)}", err=True)
        return 1
    chosen = [codes[name] for name in names] if names and not as_list else list(codes.values())
    if style == "json":
        click.echo(json.dumps([texts.as_data(code) for code in chosen], ensure_ascii=False, indent=2))
    elif names and not as_list:
        click.echo("\n".join(texts.explained(code) for code in chosen), nl=False)
    else:
        click.echo(texts.listed(chosen), nl=False)
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    return run.run(argv, program)
