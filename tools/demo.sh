#!/bin/sh
# Sets up, compiles the quickstart, boots a virtual machine with it and shows what was provisioned.
set -u
cd "$(dirname "$0")/.."
tools/setup.sh demo || exit
PYTHONPATH=tests/vm exec .venv/bin/python tools/demo.py
