"""`python -m butane_py` is `butane-py`."""

from butane_py.cli.main import run

run()
