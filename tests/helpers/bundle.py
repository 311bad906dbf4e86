"""The executor as an initramfs has it, to be run on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from ignition_py.initrd.bundle import Bundle
from ignition_py.initrd.stage import Layout, Python


class Executor:
    """The interpreter, the bundle and the launcher in `folder`. Takes four seconds. Raises MissingModule."""

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(str(folder))
        self._layout.launcher = f"{folder}/ignition"
        python = Python(self._layout)
        self._bundle: Bundle = python.bundle
        for path, data in python.files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(data)
        for source, target in python.natives:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        Path(self._layout.launcher).chmod(0o755)

    @property
    def ignition(self) -> str:
        """The path of the program `ignition`."""
        return self._layout.launcher

    @property
    def check(self) -> list[str]:
        """A command line that imports every module of ours once, as a build of an image does."""
        return [self._layout.python, "-IS", self._layout.check]

    def program(self, path: Path, then: str) -> list[str]:
        """Writes a program of the Python statements `then` to `path`; its command line."""
        layout = self._layout
        text = self._bundle.program(then, python=layout.python, path=layout.bundle, library=layout.library)
        path.write_text(text)
        path.chmod(0o755)
        return [str(path)]
