"""`butane-py explain CODE`: what the code of a report means, with a config that gets it and one that does not."""

from __future__ import annotations

from ignition_py.goflags import POSIX, SWITCH, Flag, HelpRequested, Parser, UsageError
from ignition_py.system.streams import say, write_stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.report.catalog import Code

FLAGS = (Flag("list", SWITCH, "list all codes", short="l"),)


def main(program: str, argv: Sequence[str]) -> int:
    """Prints the entries of the named codes, or the list; the exit status."""
    from ignition_py.report.catalog import load

    codes = load()
    about = "Tells what the codes of reports mean. Without a code, all are listed."
    command = Parser(program, FLAGS, manner=POSIX, about=about, operands="[code ...]")
    try:
        values = command.parse(argv)
    except UsageError as error:
        return command.show_usage_error(error)
    except HelpRequested:
        write_stdout(command.usage())
        return 0
    if values.on("list") or not values.arguments:
        width = max(map(len, codes))
        write_stdout("".join(f"{name:<{width}}  {codes[name].title}\n" for name in sorted(codes)))
        return 0
    for name in values.arguments:
        if name not in codes:
            return _unknown(program, name, list(codes))
    write_stdout("\n".join(explained(codes[name]) for name in values.arguments))
    return 0


def _unknown(program: str, name: str, known: list[str]) -> int:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 3)
    hint = f"; did you mean {', '.join(close)}?" if close else f"; `{program} --list` lists all"
    say(f"{program}: there is no code {name!r}{hint}\n")
    return 1


def explained(code: Code) -> str:
    """An entry as text for a terminal."""
    from textwrap import fill, indent

    flags = code.flags
    with_flags = f" with {' '.join(flags)}" if flags else ""
    parts = [f"{code.name}: {code.title}\n", fill(code.why, 100) + "\n"]
    if code.wrong:
        parts.append(f"Gets it{with_flags}:\n\n{indent(code.example(code.wrong), '    ')}")
        parts.append(f"Does not:\n\n{indent(code.example(code.right), '    ')}")
    return "\n".join(parts)
