#!/bin/sh
# Rehearses the quickstart: it is compiled, a virtual machine is booted with it, and what was provisioned is shown.
#
#     tools/demo.sh           installs what is missing first (tools/setup.sh demo): as root, on a Debian 12
#     tools/demo.sh --help    this text
#
# It leaves the virtual environment .venv and a Debian image below ~/.cache/ignition-py/vm (about 1.1 GB).
set -u
cd "$(dirname "$0")/.."
case ${1:-} in
    '') ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' tools/demo.sh; exit 0 ;;
    *) echo "tools/demo.sh takes no arguments but --help; for a config of your own: .venv/bin/ignition-py rehearse CONFIG" >&2; exit 2 ;;
esac
tools/setup.sh demo || exit
exec .venv/bin/ignition-py rehearse testdata/quickstart/quickstart.bu
