"""The command line of `ignition-py receive`."""

from __future__ import annotations

import click

from ignition_py.programs import receive
from ignition_py.programs.cli.options import styles
from ignition_py.programs.commands import DURATION, FILE, FOLDER, command
from ignition_py.programs.inputs import complain
from ignition_py.report import text
from ignition_py.report.diag import ConfigError, IgnitionError
from ignition_py.system import streams


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    """`HOST:PORT`, with an IPv6 address in brackets."""
    host, _, port = value.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::]:8080")
    return host.strip("[]"), int(port)


@command(
    "receive",
    example="ignition-py receive --listen 127.0.0.1:8080\n"
    "ignition-py receive --listen 0.0.0.0:8080 --state reports --inventory hosts.yaml --timeout 30m\n"
    "ignition-py receive --inventory hosts.yaml --token-file secret --urls --base https://boot.example",
    statuses={
        0: "every host of the inventory is provisioned; or --urls",
        1: "one has failed, or the receiver cannot work",
        2: "wrong usage",
        3: "not all have reported in time",
    },
)
@click.option("--base", default="", help="With --urls: what the URLs begin with.", show_default=False)
@click.option("--certificate", type=FILE, default="", help="A certificate (PEM, with its chain): serve https.", show_default=False)
@styles("text", "json", text="json: an object a line, for each change.")
@click.option("--inventory", type=FILE, multiple=True, help="The hosts that are waited for; any inventory of butane-py's.")
@click.option("--keep-going", is_flag=True, help="Do not end at the first failure but when every host has ended.")
@click.option("--key", type=FILE, default="", help="The certificate's key, where it is in a file of its own.", show_default=False)
@click.option("--listen", default="127.0.0.1:8080", callback=_address, metavar="HOST:PORT", help="Where to listen.")
@click.option("--state", type=FOLDER, default="", help="A folder for a JSON file a machine; goes on from them.", show_default=False)
@click.option("--timeout", type=DURATION, default="0", help="How long to wait; 0 is without limit.")
@click.option("--token-file", type=FILE, default="", help="A secret: each host has a URL with a token of its own.", show_default=False)
@click.option("--urls", is_flag=True, help="Print the URL of each host of the inventory and end.")
def run(
    base: str, certificate: str, style: str, inventory: tuple[str, ...], keep_going: bool, key: str, listen: tuple[str, int],
    state: str, timeout: float, token_file: str, urls: bool,
) -> int:  # fmt: skip
    """Wait for the reports of a fleet's first boots.

    Machines send them where ignition.report.url= on their kernel command line says, or IGNITION_REPORT= in their image. Standard
    output is a table on a terminal, else a line for each change. With an inventory it ends when all of its hosts are provisioned,
    one has failed, or the time is over.
    """
    if urls and not inventory:
        raise click.UsageError("--urls needs --inventory")
    if key and not certificate:
        raise click.UsageError("--key needs --certificate")
    try:
        if urls:
            streams.write_stdout(receive.paths(receive.hosts_of(inventory, token_file), base))
            return receive.PROVISIONED
        return receive.receive(
            receive.Wishes(
                listen=listen, state=state, inventories=inventory, timeout=timeout, as_json=style == "json", keep_going=keep_going,
                token_file=token_file, certificate=certificate, key=key,
            )
        )  # fmt: skip
    except ConfigError as error:
        if error.report.fatal:
            streams.say(text.raw(error.report))
        complain("ignition-py receive", error)
        return receive.FAILED
    except IgnitionError as error:
        complain("ignition-py receive", error)
        return receive.FAILED
