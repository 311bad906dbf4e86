"""`python -m butane_py` is `butane-py`."""

from butane_py.cli.main import run

if __name__ == "__main__":
    run()
