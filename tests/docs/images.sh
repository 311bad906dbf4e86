# An initramfs to append to.
printf 070701 >initrd.img
chmod 666 initrd.img
# In the Debian of the rehearsals: ignition-py for the Python of the image, and the image's kernel in place of the one that runs.
if ! command -v ignition-py >/dev/null; then
    echo "$PWD" >/usr/lib/python3/dist-packages/ignition-py.pth
    printf '#!/bin/sh\nexec /usr/bin/python3 -m ignition_py "$@"\n' >/usr/local/bin/ignition-py
    printf '#!/bin/sh\nexec ls /lib/modules\n' >/usr/local/bin/uname
    chmod 755 /usr/local/bin/ignition-py /usr/local/bin/uname
    echo 'APT::Get::Assume-Yes "true"; APT::Sandbox::User "root";' >/etc/apt/apt.conf.d/90docs
    apt-get -qq update
fi
