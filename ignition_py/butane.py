"""A Butane config where an Ignition config is expected: compiled on the spot, and only then is the compiler imported.

A config is Butane if it is not JSON and has a `variant` at its top level. Local files are refused: there are none at boot.
"""

from __future__ import annotations

from typing import Any

from ignition_py.report.diag import ConfigError, Report

_MARK = b"\xef\xbb\xbf"
_HEAD = 65536  # bytes in which the first keys of a config are looked for


def is_butane(data: bytes) -> bool:
    """True if the text looks like a Butane config: JSON starts with a brace; YAML with keys in the first column."""
    head = data[:_HEAD].removeprefix(_MARK)
    if head.lstrip()[:1] in (b"", b"{"):
        return False
    return any(line.startswith((b"variant:", b"variant :", b'"variant":', b"'variant':")) for line in head.splitlines())


def compiled_map(data: bytes, source: str, files_dir: str | None = None) -> dict[str, Any] | None:
    """From entries of the compiled config to lines of `data`: what source_map.py of the compiler makes. None where it does not compile.

    `files_dir`: where its local files come from; None at boot, where there are none.
    """
    try:
        from butane_py.compilation import Options
        from butane_py.pipeline import compile_source
    except ImportError:
        return None
    return compile_source(data, source, Options(files_dir, raw=True, at_boot=files_dir is None, source_map=True)).source_map


def compile_config(data: bytes, source: str) -> tuple[bytes, Report]:
    """The Ignition config (JSON) and what the compiler reported. Raises ConfigError."""
    try:
        from butane_py.compilation import Options
        from butane_py.pipeline import compile_source
    except ImportError:
        raise ConfigError(
            f"the config from {source} is a Butane config, and this image has no compiler for it: compile it with butane-py"
        ) from None
    result = compile_source(data, source, Options(raw=True, at_boot=True))
    if result.output is None:
        raise ConfigError(f"the Butane config from {source} is not valid", result.report)
    return result.output.encode("utf-8", "replace"), result.report
