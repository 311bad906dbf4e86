#!/bin/sh
# Sets up, and rehearses the quickstart: it is compiled, a virtual machine is booted with it, and what was provisioned is shown.
set -u
cd "$(dirname "$0")/.."
tools/setup.sh demo || exit
exec .venv/bin/ignition-py rehearse testdata/quickstart/quickstart.bu
