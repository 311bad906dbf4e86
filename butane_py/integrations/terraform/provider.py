"""The program `terraform-provider-butane`, which Terraform and OpenTofu start."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from ignition_py import __version__
from ignition_py.system import streams

_MISSING = 1
_COOKIE = "TF_PLUGIN_MAGIC_COOKIE"  # Terraform sets it for every plugin (hashicorp/go-plugin)
_ABOUT = """terraform-provider-butane is a plugin: Terraform and OpenTofu start it. docs/integrations.md says how they find it.

Data sources: butane_config, butane_sensitive_config, ct_config.

Example, on Linux with an Intel or AMD processor:
  folder=~/.terraform.d/plugins/terraform.local/butane/butane/{version}/linux_amd64
  mkdir -p $folder && ln -s "$(command -v terraform-provider-butane)" $folder
  # in a module: required_providers {{ butane = {{ source = "terraform.local/butane/butane" }} }}
"""
_INSTALL = "terraform-provider-butane: {} is not installed; pip install 'ignition-py[terraform-provider]'\n"


def run() -> None:
    """The program. Started by hand it says what it is for, and exits with 2."""
    os._exit(streams.last_door("terraform-provider-butane", main))


def main() -> int:
    """Serves one session of Terraform, or with --help says what it is for; the exit status."""
    if {"-h", "--help"} & set(sys.argv):
        streams.write_stdout(_ABOUT.format(version=__version__))
        return 0
    if _COOKIE not in os.environ and "--dev" not in sys.argv:
        streams.say(_ABOUT.format(version=__version__))
        return 2
    try:
        from tf import runner

        from butane_py.integrations.terraform.plugin import ButaneProvider
    except ModuleNotFoundError as error:
        streams.say(_INSTALL.format(error.name))
        return _MISSING
    with _home():
        runner.run_provider(ButaneProvider(), sys.argv)
    return 0


@contextmanager
def _home() -> Iterator[None]:
    """A home that can be written to: `tf` keeps the key of its connection in ~/.cache, and fails where it cannot."""
    home = os.path.expanduser("~")
    if os.access(home, os.W_OK):
        yield
        return
    with TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        yield
