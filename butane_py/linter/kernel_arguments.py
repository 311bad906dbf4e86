"""Kernel arguments: lines that were copied from a boot loader's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint

_EXAMPLE = "kernel_arguments:\n  should_exist:\n    - "


@lint(
    "lint-kernel-argument",
    title="A kernel argument is not one argument",
    why="Each entry is one argument. The kernel gets something else than is meant, or the entry is never found again.",
    fix="Write each argument as an entry of its own, without set and without variables; quote a value that has blanks.",
    wrong=_EXAMPLE + "set linux_append=quiet\n",
    right=_EXAMPLE + "quiet\n",
)
def kernel_argument(facts: Facts, find: Find) -> None:
    """Arguments with blanks outside of quotes, with `set`, with $ or with quotes around the whole."""
    for kind, path, argument in _arguments(facts):
        problem, hint = _problem(argument)
        if problem:
            (find.at_yaml if kind == "yaml" else find.at)(path, f"{argument[:60]!r} {problem}", hint=hint)


def _arguments(facts: Facts) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    arguments = facts.compiled.kernel_arguments
    for name in ("should_exist", "should_not_exist"):
        for i, argument in enumerate(getattr(arguments, name)):
            yield "output", ("kernel_arguments", name, i), argument
    for i, argument in enumerate(facts.config.openshift.kernel_arguments):
        yield "yaml", ("openshift", "kernel_arguments", i), argument


def _problem(argument: str) -> tuple[str, str]:
    """Why it is no kernel argument and the way out; empty where it is one."""
    if re.match(r"(?:set|linux|append)\s|linux_append=|GRUB_\w+=", argument):
        return (
            "is a line of a boot loader's configuration, not a kernel argument",
            "write only the arguments that the kernel is to get",
        )
    if re.search(r"\$\w|\$\{", argument):
        return "has a variable, which nothing replaces", "write its value"
    if len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "\"'":
        return "has quotes around the whole argument, which the kernel does not take off", "write it without them"
    if re.search(r"\s", re.sub(r'"[^"]*"', "", argument)):
        return "has blanks: several arguments in one entry", "write each argument as an entry of its own"
    return ("is empty", "take the entry away") if not argument else ("", "")
