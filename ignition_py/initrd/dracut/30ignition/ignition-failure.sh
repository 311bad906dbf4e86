#!/bin/sh
# Sourced by dracut when the boot is given up: says on every console which stage failed and why, before the emergency shell (or the
# halt) hides it; a splash screen has been taken away by then. The executor has written that screen; where it could not, the
# journal has its last words.
ignition_failure() {
    if [ -s /run/ignition/failure.txt ]; then
        cat /run/ignition/failure.txt
        return
    fi
    for _stage in fetch-offline network fetch kargs disks mount files; do
        systemctl is-failed --quiet "ignition-$_stage.service" || continue
        echo "Ignition failed: stage $_stage. Its last words:"
        journalctl --boot --no-pager --output=cat --unit="ignition-$_stage.service" --priority=notice --lines=20
    done
    unset _stage
}

# Whom the kernel command line and the image name is told too (docs/report.md): a stage that fails does so itself, and this does
# nothing then; it is for a stage that was killed, and for the network's script.
ignition_report() {
    [ -x /usr/bin/ignition ] && [ -r /run/ignition.env ] || return 0
    for _stage in fetch-offline network fetch kargs disks mount files; do
        ! systemctl is-failed --quiet "ignition-$_stage.service" || break
    done
    (
        set -a
        . /run/ignition.env
        exec /usr/bin/ignition notify --event=failed --stage="$_stage"
    ) || :
    unset _stage
}
_screen=$(ignition_failure)
if [ -n "$_screen" ]; then
    while read -r _tty _rest; do
        printf '\n%s\n\n' "$_screen" 2>/dev/null >"/dev/$_tty" || :
    done </proc/consoles
    ignition_report
fi
unset _screen _tty _rest
