"""`butane-py pxe FOLDER`: what a boot server hands out, so that each machine of a build boots with its own config."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from butane_py import render
from butane_py.cli.flags import FORMATS
from butane_py.deliver.pxe import codes, words
from butane_py.deliver.pxe.layouts import LAYOUTS
from butane_py.deliver.pxe.machines import Found, Variables, read, too_long
from butane_py.deliver.pxe.model import MAC, UUID, Boot
from butane_py.deliver.pxe.tree import Written, write
from butane_py.fleet.inventory import read_inventories
from ignition_py.programs.commands import FILE, FOLDER, coloured, command
from ignition_py.report.diag import ConfigError, Report
from ignition_py.system.streams import say, write_stdout

assert codes  # importing it declares what the reports are about

_EXAMPLE = """butane-py build node.bu --inventory hosts.csv --output-dir out
butane-py pxe out --layout ipxe -o /srv/boot --base-url http://boot.example \\
    --kernel vmlinuz --initrd initrd.img --append "console=ttyS0 root=LABEL=root"
butane-py pxe out --layout matchbox -o /var/lib/matchbox --base-url http://matchbox.example:8080 \\
    --kernel assets/vmlinuz --initrd assets/initrd.img --inventory hosts.csv"""


@command(
    "pxe",
    example=_EXAMPLE,
    statuses={0: "written", 1: "refused: errors, or a file cannot be read or written", 2: "wrong usage"},
)
@click.argument("folder", type=FOLDER)
@click.option("--layout", type=click.Choice(tuple(LAYOUTS)), required=True,
              help="; ".join(f"{name}: {layout.title}" for name, layout in LAYOUTS.items()) + ".")
@click.option("-o", "--output-dir", type=FOLDER, required=True, help="Folder to write, which the boot server serves.")
@click.option("--base-url", required=True, metavar="URL", help="Where machines reach that folder; of matchbox, its address.")
@click.option("--kernel", required=True, metavar="URL", help="Kernel: a URL, or a path below --base-url.")
@click.option("--initrd", "initrds", multiple=True, metavar="URL", help="Initramfs, in the same way; several are loaded in order.")
@click.option("--append", default="", show_default=False, metavar="ARGUMENTS", help="More kernel arguments, for every machine.")
@click.option("-i", "--inventory", "inventories", type=FILE, multiple=True,
              help="Read the machines' variables from here; without it from the build's manifest, which has what the config declares.")
@click.option("--mac-var", default="mac", metavar="NAME", help="Variable with the machine's MAC address, or a list of them.")
@click.option("--uuid-var", default="", show_default=False, metavar="NAME",
              help="Tell machines by the UUID of their firmware, in this variable, in place of MAC addresses (ipxe, matchbox).")
@click.option("--append-var", default="", show_default=False, metavar="NAME", help="Variable with kernel arguments of the machine's own.")
@click.option("--address-var", default="", show_default=False, metavar="NAME", help="Variable with the address that DHCP gives (dnsmasq).")
@click.option("--prune", is_flag=True, help="Remove the files of machines that are gone.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", help="Format of reports.")
def run(
    folder: str, layout: str, output_dir: str, base_url: str, kernel: str, initrds: tuple[str, ...], append: str,
    inventories: tuple[str, ...], mac_var: str, uuid_var: str, append_var: str, address_var: str, prune: bool, style: str,
) -> int:  # fmt: skip
    """Write what a boot server hands out to the machines of a build.

    FOLDER is what `butane-py build --output-dir` has written. Each machine boots with `ignition.config.url=` and
    `ignition.config.hash=` of its own config; a machine that is not in the inventory says so on its console and installs nothing.
    """
    row = LAYOUTS[layout]
    by = UUID if uuid_var else MAC
    if by not in row.by:
        raise click.UsageError(f"the layout {layout} tells machines by their MAC addresses; --uuid-var goes with ipxe and matchbox")
    if address_var and layout != "dnsmasq":
        raise click.UsageError("--address-var goes with --layout dnsmasq")
    files = tuple(words.file_url(each, "--initrd") for each in initrds)
    boot = Boot(
        words.base_url(base_url, "--base-url"), words.file_url(kernel, "--kernel"), files, words.arguments(append, "--append"),
        by=by, folder=row.folder,
    )  # fmt: skip
    variables = Variables(uuid_var or mac_var, by=by, arguments=append_var, address=address_var)
    try:
        inventory = read_inventories(inventories) if inventories else None
        if inventory is not None and inventory.report.fatal:
            raise ConfigError("the inventory has errors", inventory.report)
        found = read(folder, variables, inventory)
        found.report.merge(inventory.report if inventory is not None else Report())
    except ConfigError as error:
        _tell(folder, Found(report=error.report), style)
        return 1
    found.report.merge(too_long(boot, found.machines))
    _tell(folder, found, style)
    if found.report.fatal:
        return 1
    done = write(output_dir, layout, boot, found.machines, found.configs, row.write(boot, found.machines), prune=prune)
    if style == "text":
        say(_summary(done, len(found.machines)))
    return 0


def _tell(name: str, found: Found, style: str) -> None:
    report: Report = found.report
    if style == "sarif":
        from ignition_py.report.sarif import sarif

        write_stdout(sarif([(name, report)]))
    elif style == "json":
        write_stdout(render.json_line(name, report))
    elif len(report):
        # Lines of an inventory are not shown: which of its values are secrets is not known here.
        say(render.pretty_of(report, lambda _: None, colour=coloured(sys.stderr)))
        say(f"{name}: {render.summary(report)}{'; nothing was written' if report.fatal else ''}\n")


def _summary(done: Written, machines: int) -> str:
    """What was written, and what the person in front of it has to know."""
    lines = [f"{machines:,} machine{'s' * (machines != 1)}: {done.written:,} files written, {done.unchanged:,} unchanged"]
    lines += [f"removed {path}: its machine is gone" for path in done.removed]
    if done.stale:
        shown = ", ".join(done.stale[:3]) + (f" and {len(done.stale) - 3} more" if len(done.stale) > 3 else "")
        lines.append(f"{shown}: of machines that are gone or of earlier configs; --prune removes such files")
    if done.private:
        count = len(done.private)
        lines.append(f"{count:,} config{'s' * (count != 1)} with mode 0600, as built: give the web server's user access, and nobody else")
    return "".join(f"{line}\n" for line in lines)


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
