#!/bin/sh
# Sets up and runs every check there is, in .venv: linter, types, tests. All checks run, whatever an earlier one said. The tests
# that boot machines run beside the others, since machines mostly wait; what they print comes last.
#
#     tools/test.sh                           everything, virtual machines too: as root, on a Debian 12
#     tools/test.sh -m "not root and not vm"  arguments go to pytest; README.md lists the markers
#     tools/test.sh --help                    this text; .venv/bin/python -m pytest --help is pytest's
set -u
cd "$(dirname "$0")/.."
case ${1:-} in
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' tools/test.sh; exit 0 ;;
esac
# What is tested is what people run, and they have none of these set. PYTHON is tools/setup.sh's.
for name in $(env | sed -n 's/^\(PYTHON[A-Z0-9_]\{1,\}\)=.*/\1/p') FORCE_COLOR NO_COLOR CLICOLOR_FORCE PY_COLORS VIRTUAL_ENV; do
    unset "$name"
done
tools/setup.sh test 2>&1 || exit
status=0
echo 'ruff check'
.venv/bin/ruff check . || status=1
echo 'mypy'
.venv/bin/mypy || status=1
# Ansible finds a collection by its folders, which mypy takes for modules of one name; its tests load it by Ansible.
.venv/bin/mypy --strict --exclude tools/ansible_collections tests/vm/vmlab tools || status=1
if [ $# != 0 ]; then
    .venv/bin/python -m pytest "$@" || status=1
    exit $status
fi
machines=$(mktemp)
trap 'rm -f "$machines"' EXIT
# The shell makes what it starts in the background ignore Ctrl-C, which would leave a machine running.
env --default-signal=INT .venv/bin/python -m pytest --durations=20 -m vm >"$machines" 2>&1 &
# The machines take longest, so they go first where both want a processor.
nice .venv/bin/python -m pytest --durations=20 -m "not vm" || status=1
echo 'pytest -m vm'
tail -n +1 -f --pid=$! "$machines"
wait $! || status=1
exit $status
