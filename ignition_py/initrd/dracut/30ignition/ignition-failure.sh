#!/bin/sh
# Sourced by dracut when the boot is given up: says on the console which stage failed and why, before the emergency shell
# (or the halt) hides it. The executor has written that screen; where it could not, the journal has its last words.
if [ -s /run/ignition/failure.txt ]; then
    { echo; cat /run/ignition/failure.txt; echo; } >/dev/console 2>&1
else
    for _stage in fetch-offline network fetch kargs disks mount files; do
        systemctl is-failed --quiet "ignition-$_stage.service" || continue
        {
            echo
            echo "Ignition failed: stage $_stage. Its last words:"
            journalctl --boot --no-pager --output=cat --unit="ignition-$_stage.service" --priority=notice --lines=20
            echo
        } >/dev/console 2>&1
    done
    unset _stage
fi
