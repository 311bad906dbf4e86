"""The command line of `ignition-py check`."""

from __future__ import annotations

import click

from ignition_py.programs.check import AS_WANTED, NOT_SO, STYLES, UNASKED, USAGE, Wishes, check, chosen_kinds
from ignition_py.programs.cli.options import FETCH_TIMEOUT, FILES_DIR, OFFLINE, VERBOSE, styles
from ignition_py.programs.commands import DURATION, FILE, FOLDER, command
from ignition_py.programs.render import Fetching


def _kinds(ctx: click.Context, param: click.Parameter, words: str) -> tuple[str, ...]:
    try:
        return chosen_kinds(words)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@command(
    "check",
    example="ignition-py check node.bu --ssh admin@node1\n"
    "ignition-py check --inventory hosts.yaml --configs out/ --format junit > check.xml\n"
    "ignition-py check node.bu --exec 'kubectl debug -qi node/n1 --image=busybox -- chroot /host sh'",
    statuses={
        AS_WANTED: "the machine is as the config says",
        NOT_SO: "it differs",
        USAGE: "wrong usage, or the config, the inventory or the list of --ignore is not valid",
        UNASKED: "a machine could not be asked, or nothing differs but not everything could be looked at",
    },
)
@click.argument("config", type=FILE, default="", required=False)
@click.option("--answers", type=FILE, default="", show_default=False, help="Compare answers that the script of --script has printed.")
@click.option("--configs", type=FOLDER, default="", show_default=False, help="With --inventory: where butane-py build has written.")
@click.option(
    "--exec", "exec_", default="", show_default=False, metavar="COMMAND",
    help="Ask by a command that feeds its standard input to a sh there.",
)  # fmt: skip
@click.option("--fetch", is_flag=True, help="Fetch contents of files of which the config has no hash, to compare them.")
@FETCH_TIMEOUT
@FILES_DIR
@styles(*STYLES)
@click.option("--ignore", type=FILE, default="", show_default=False, help="A list of differences that are accepted, each with its reason.")
@click.option("--inventory", "inventories", type=FILE, multiple=True, help="Ask all hosts of an inventory; repeatable.")
@click.option("--limit", "limits", multiple=True, metavar="PATTERN", help="With --inventory: only these hosts; repeatable.")
@OFFLINE
@click.option(
    "--only", "kinds", default="", show_default=False, metavar="KINDS", callback=_kinds,
    help="Sections or kinds, with commas: storage,unit.",
)  # fmt: skip
@click.option("--parallel", "at_once", type=click.IntRange(1, 200), default=20, help="How many hosts are asked at a time.")
@click.option("--root", type=FOLDER, default="", show_default=False, help="Look into a root that is mounted here; nothing of it is run.")
@click.option("--script", is_flag=True, help="Print the script that asks, to be run elsewhere, and ask nobody.")
@click.option("--ssh", default="", show_default=False, metavar="DEST", help="Ask by ssh, as root or as a user, with sudo or without.")
@click.option("--ssh-config", type=FILE, default="", show_default=False, help="A file of settings for ssh.")
@click.option("--timeout", type=DURATION, default="2m", help="How long one machine may take.")
@VERBOSE
def run(
    config: str,
    answers: str,
    configs: str,
    exec_: str,
    fetch: bool,
    fetch_timeout: float,
    files_dir: str | None,
    style: str,
    ignore: str,
    inventories: tuple[str, ...],
    limits: tuple[str, ...],
    offline: bool,
    kinds: tuple[str, ...],
    at_once: int,
    root: str,
    script: bool,
    ssh: str,
    ssh_config: str,
    timeout: float,
    verbose: bool,
) -> int:
    """Compare a machine with its config, and write nothing to it.

    A script is sent to the machine's sh by ssh; nothing has to be installed there. What only root may read is asked with sudo
    where that works without a password, and said to be unknown where it does not.
    """
    wishes = Wishes(
        config=config,
        ssh=ssh,
        ssh_config=ssh_config,
        root=root,
        exec=exec_,
        answers=answers,
        inventories=inventories,
        configs=configs,
        limits=limits,
        kinds=kinds,
        ignore=ignore,
        fetch=fetch,
        script=script,
        timeout=timeout,
        at_once=at_once,
        style=style,
    )
    contradiction = wishes.contradiction()
    if contradiction:
        raise click.UsageError(contradiction)
    return check("ignition-py check", wishes, Fetching(files_dir=files_dir, offline=offline, timeout=fetch_timeout, verbose=verbose))
