#!/bin/sh
# Sets up and runs every check there is, in .venv: linter, types, tests. Arguments go to pytest. All checks run, whatever an
# earlier one said; pytest comes last, so that its summary is what a log ends with.
set -u
cd "$(dirname "$0")/.."
tools/setup.sh test 2>&1 || exit
status=0
echo 'ruff check'
.venv/bin/ruff check . || status=1
echo 'mypy'
.venv/bin/mypy || status=1
.venv/bin/mypy --strict tests/vm/vmlab tools || status=1
.venv/bin/python -m pytest "$@" || status=1
exit $status
