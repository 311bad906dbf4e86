"""What every command of our own shares: click commands with one style of flags, help, errors and completion.

    @command("plan", example="ignition-py plan config.bu", statuses={0: "nothing to do", 1: "refused", 2: "changes"})
    @click.option("--timeout", type=DURATION, default="1m", help="how long to wait")
    def plan(timeout: float) -> int:
        "Shows what would happen."
        return 0

A command returns its exit status. Long options are shown as `--name`; Go's spellings (`-name`, `-name=value`,
`--switch=false`) are taken too. A usage error is the error and one line that names the help; its exit status is 2 unless
the command says otherwise. Every command has `-h`, `--help` and `--version`.

The initramfs has no click: only programs for a desk, an image builder or an installed machine import this module. The
programs that the references have too use goflags.py.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ignition_py.goflags import FALSE, TRUE, seconds
from ignition_py.report.diag import IgnitionError
from ignition_py.system import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    _FloatType = click.ParamType[float]
else:
    _FloatType = click.ParamType  # not generic before click 8.4

USAGE = 2
SHELLS = ("bash", "zsh", "fish")


class Duration(_FloatType):
    """A duration of Go's `time.ParseDuration` ("1m30s", "0"), as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        try:
            return seconds(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


DURATION = Duration()
FILE = click.Path()  # completed as a file; whether it exists is the command's business
FOLDER = click.Path(file_okay=False)


class _PipeClosed(Exception):
    """The reader of standard output has gone. click would end with 1; the last door ends as the references do."""

    def __init__(self, error: BrokenPipeError) -> None:
        super().__init__()
        self.error = error


class _Shared(click.Command):
    """The manner that commands and groups share."""

    def __init__(
        self,
        *args: Any,
        example: str = "",
        statuses: Mapping[int, str] | None = None,
        usage_status: int | None = None,
        version: str = "",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("context_settings", {"help_option_names": ["-h", "--help"], "show_default": True})
        super().__init__(*args, **kwargs)
        self.example = example
        self.statuses = dict(statuses or {})
        if usage_status is not None:
            self.usage_status = usage_status
        self.version = version
        self._version_option: click.Option | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        version = getattr(ctx.find_root().command, "version", "")
        if not version or any("--version" in param.opts for param in params):
            return params
        if self._version_option is None:
            self._version_option = _version_option(version)
        return [*params, self._version_option]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _about(ctx):
            return super().parse_args(ctx, with_two_dashes(self, ctx, args))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; what it returns is the exit status. A failure is a sentence, and 1."""
        try:
            with _about(ctx):
                status = super().invoke(ctx)
        except BrokenPipeError as error:
            raise _PipeClosed(error) from None
        except IgnitionError as error:
            streams.say(f"{ctx.command_path}: {error}\n")
            ctx.exit(streams.FAILED)
        except OSError as error:
            streams.say(f"{ctx.command_path}: {streams.reason(error)}\n")
            ctx.exit(streams.FAILED)
        if isinstance(status, int):
            ctx.exit(status)
        return status

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any) -> Any:  # type: ignore[override]
        """The program, as in click, with errors as this module words them."""
        if not more.pop("standalone_mode", True):
            return super().main(args, prog_name, standalone_mode=False, **more)
        sys.exit(self.run(args, prog_name, **more))

    def run(self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any) -> int:
        """Runs the program and returns its exit status. What commands raise is for the last door of the program."""
        try:
            status = super().main(args, prog_name, standalone_mode=False, **more)
        except _PipeClosed as closed:
            raise closed.error from None
        except click.UsageError as error:
            return _show_usage_error(error, self)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except click.Abort:
            return streams.INTERRUPTED
        return status if isinstance(status, int) else 0

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.example:
            with formatter.section("Example"):
                for line in self.example.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
        if self.statuses:
            with formatter.section("Exit status"):
                formatter.write_dl([(str(status), text) for status, text in self.statuses.items()])


class Command(_Shared):
    """A command."""


class Group(_Shared, click.Group):
    """Commands under one name. Without one of them it shows its help, as a usage error."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("no_args_is_help", False)
        kwargs.setdefault("subcommand_metavar", "COMMAND [ARGUMENTS]...")
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing and not self.invoke_without_command:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        found = self.get_command(ctx, name)
        if found is None and not ctx.resilient_parsing:
            raise click.UsageError(f"there is no command {name!r}{did_you_mean(name, self.list_commands(ctx))}", ctx)
        return (name if found else None), found, args[1:]


Group.group_class = Group


def command(name: str, **kwargs: Any) -> Callable[[Callable[..., int]], Command]:
    """Makes a Command of a function, whose docstring is the help; it returns the exit status."""
    return click.command(name, cls=Command, **kwargs)


def did_you_mean(word: str, names: Sequence[str]) -> str:
    """`; did you mean x?`, or the names that are known, to follow a sentence about `word`."""
    from difflib import get_close_matches

    close = get_close_matches(word, names, 3)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; there are {', '.join(names)}" if names else ""


def with_two_dashes(command: click.Command, ctx: click.Context, words: Sequence[str]) -> list[str]:
    """The words with Go's spellings of the command's options (`-name`, `-o=value`, `--switch=false`) as click's."""
    options: dict[str, click.Option] = {}
    for param in command.get_params(ctx):
        if isinstance(param, click.Option):
            options.update((spelling.lstrip("-"), param) for spelling in param.opts)
    out: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if len(word) < 2 or word[0] != "-":
            out.append(word)
            if not ctx.allow_interspersed_args:
                break
            continue
        if word == "--":
            out.append(word)
            break
        name, equals, value = word[2 if word.startswith("--") else 1 :].partition("=")
        option = options.get(name)
        if option is None:
            unknown = len(name) > 1 and word[1] != "-" and name[0] not in options
            out.append(f"-{word}" if unknown else word)
        elif option.is_flag:
            out = _switched(out, name, option, value if equals else "true", ctx)
        else:
            out.append(_spelled(name))
            out += [value] if equals else rest[:1]
            rest = rest if equals else rest[1:]
    return out + rest


def _switched(out: list[str], name: str, option: click.Option, value: str, ctx: click.Context) -> list[str]:
    """`out` with a switch on, or off: the last of several spellings wins. Raises UsageError."""
    if value in TRUE:
        return [*out, _spelled(name)]
    if value in FALSE:
        return [word for word in out if word not in option.opts]
    raise click.UsageError(f"{_spelled(name)}={value} is neither true nor false", ctx)


@contextmanager
def _about(ctx: click.Context) -> Iterator[None]:
    """Usage errors that do not say which command they are about are about this one."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise


def _spelled(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _show_usage_error(error: click.UsageError, command: _Shared) -> int:
    """The error and where the help is, on standard error; the exit status."""
    ctx = error.ctx
    path = ctx.command_path if ctx is not None else command.name or ""
    streams.say(f"{path}: {error.format_message()}\nTry '{path} --help'.\n")
    return int(getattr(ctx.command, "usage_status", error.exit_code)) if ctx is not None else error.exit_code


def _version_option(version: str) -> click.Option:
    def show(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(version)
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version and exit.",
    )


def coloured(stream: IO[Any]) -> bool:
    """True if the stream is a terminal and the environment does not ask for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def completion_variable(program: str) -> str:
    """The environment variable by which a shell asks the program for completions."""
    return f"_{program}_COMPLETE".replace("-", "_").replace(".", "_").upper()


def completion_command(program: str) -> Command:
    """A command that prints the script by which a shell completes the words of `program`.

    Where the program starts without click, it hands over to click if `completion_variable()` is set.
    """

    @click.command(
        "completion",
        cls=Command,
        example=f'eval "$({program} completion bash)"\n'
        f'eval "$({program} completion zsh)"\n'
        f"{program} completion fish > ~/.config/fish/completions/{program}.fish",
        statuses={0: "done", 2: "wrong usage"},
    )
    @click.argument("shell", type=click.Choice(SHELLS))
    @click.pass_context
    def completion(ctx: click.Context, shell: str) -> int:
        """Print the script for a shell's completion.

        A shell that has read it completes commands, options, their values and files.
        """
        from click.shell_completion import get_completion_class

        completer = get_completion_class(shell)
        assert completer is not None  # a Choice of SHELLS
        click.echo(completer(ctx.find_root().command, {}, program, completion_variable(program)).source())
        return 0

    return completion
