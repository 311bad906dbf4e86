"""`ignition-apply` and `ignition-py apply`: applies a config to a root directory while an image is built.

    config (Butane too) -> render.py -> refusals -> stages/files: files, directories, links, units

What only a booting machine can do (partitions, filesystems, kernel arguments) or images do otherwise (accounts) is
refused, or left out with `--ignore-unsupported`. Flags, exit status and what is supported are the reference's:
0 applied, 1 not applied or no config named, 2 an unknown flag. The log goes to standard output.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ignition_py import version_text
from ignition_py.author import Author
from ignition_py.butane import is_butane
from ignition_py.context import Context
from ignition_py.failure import Failure
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.goflags import POSIX, SWITCH, TEXT, Flag, Parser
from ignition_py.programs.inputs import compile_butane, read_input
from ignition_py.programs.render import check_rendered
from ignition_py.render import Renderer, log_report, parse
from ignition_py.report.diag import ConfigError, IgnitionError, Path, StageError, path_text
from ignition_py.spec.tables import Config
from ignition_py.stages import fetch_offline, files
from ignition_py.state import State
from ignition_py.system import streams
from ignition_py.system.log import Log

_ABOUT = "Applies files, directories, links and units of a config to a root directory. `-` reads standard input."
_CONTAINER_FILES = ("/run/.containerenv", "/.dockerenv")  # podman, docker
_UNSUPPORTED: tuple[tuple[Path, str], ...] = (
    (("kernel_arguments", "should_exist"), "kernelArguments.shouldExist"),
    (("kernel_arguments", "should_not_exist"), "kernelArguments.shouldNotExist"),
    (("storage", "disks"), "storage.disks"),
    (("storage", "raid"), "storage.raid"),
    (("storage", "luks"), "storage.luks"),
    (("storage", "filesystems"), "storage.filesystems"),
    (("passwd", "users"), "passwd.users"),
    (("passwd", "groups"), "passwd.groups"),
)


def parser(program: str) -> Parser:
    flags = (
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag("ignore-unsupported", SWITCH, "leave out what cannot be applied to a root directory"),
        Flag("offline", SWITCH, "fetch nothing: fail if the config needs the network"),
        Flag("root", TEXT, "the root directory to apply the config to", noun="folder", default="/"),
        Flag("version", SWITCH, "print the version and exit"),
    )
    return Parser(program, flags, manner=POSIX, about=_ABOUT, operands="CONFIG")


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    flags = parser(program)
    values = flags.attempt(argv, version_text())
    if isinstance(values, int):
        return values
    if len(values.arguments) != 1:
        streams.say(flags.usage())
        return 1
    return apply(
        values.arguments[0],
        root=values.text("root"),
        files_dir=values.text("files-dir") or None,
        offline=values.on("offline"),
        ignore_unsupported=values.on("ignore-unsupported"),
    )


def apply(
    path: str, *, root: str = "/", files_dir: str | None = None, offline: bool = False, ignore_unsupported: bool = False
) -> int:
    """Applies the config at `path` to `root`, and logs to standard output; the exit status."""
    log = Log(to_stdout=True)
    log.info(version_text())
    try:
        _apply(_read(path, files_dir, log), os.path.abspath(root), log, offline=offline, ignore=ignore_unsupported)
    except IgnitionError as error:
        failure = Failure.of("apply", error)
        failure.lead_to_author(Author((), ""))
        log.failure(failure.lines(), failure.screen())
        return 1
    log.info("the config is applied")
    return 0


def _apply(config: Config, root: str, log: Log, *, offline: bool, ignore: bool) -> None:
    """Raises IgnitionError."""
    _refuse_host(root, os.environ)
    fetcher, state = Fetcher(log, offline=offline), State()
    rendered = Renderer(fetcher, log, state).render(config)
    if rendered is not config:
        check_rendered(rendered, log, merged=True)
    fetcher.configure(rendered.ignition)
    context = Context(config=rendered, root=root, log=log, state=state, fetcher=fetcher)
    if offline:
        fetch_offline.run(context)
    _refuse_unsupported(rendered, log, ignore=ignore)
    with log.step(f"apply: provisioning {root}"):
        files.provision_image(context)


def _read(path: str, files_dir: str | None, log: Log) -> Config:
    """The config at `path`, Butane compiled. Raises IgnitionError."""
    source = read_input(path)
    data = source.data
    if is_butane(data):
        compiled = compile_butane(source, files_dir)
        log_report(compiled.report, log)
        if compiled.data is None:
            raise ConfigError(f"the Butane config {source.name} is not valid")
        data = compiled.data
    return parse(data, source.name, log)


def _refuse_host(root: str, environ: Mapping[str, str]) -> None:
    """The root of a machine that runs is provisioned once, at its first boot. Raises StageError.

    A root of its own is always fine; the reference wants a container for that too.
    """
    try:
        if not os.path.samefile(root, "/"):
            return
    except OSError as error:
        raise StageError(f"the root {root}: {error.strerror}") from None
    if environ.get("container") or any(map(os.path.exists, _CONTAINER_FILES)):
        return
    raise StageError(
        "this would change the machine that it runs on, which is no container",
        hint="Give the directory of the image with --root; to change a machine, provision it anew",
    )


def _refuse_unsupported(config: Config, log: Log, *, ignore: bool) -> None:
    """Raises StageError naming all that cannot be applied, or says what is left out."""
    found = [name for path, name in _UNSUPPORTED if _at(config, path)]
    if not found:
        return
    names = ", ".join(path_text((name,)) for name in found)
    if not ignore:
        raise StageError(
            f"a root directory cannot be given {names}",
            hint="Take that out of the config, or leave it out with --ignore-unsupported",
        )
    log.warning(f"left out, since it cannot be applied to a root directory: {names}")


def _at(config: Config, path: Path) -> object:
    value: object = config
    for name in path:
        value = getattr(value, str(name))
    return value
