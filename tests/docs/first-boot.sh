# The boot filesystems of all three systems.
mkdir -p /boot/writable /boot/flatcar
touch /boot/writable/firstboot_happened
