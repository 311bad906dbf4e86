# An initramfs to append to.
printf 070701 >initrd.img
chmod 666 initrd.img
