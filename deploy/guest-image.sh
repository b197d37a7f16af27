#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the tiny guest of the quickstart and the tests: Debian's cloud kernel, a busybox initrd and
# an empty disk.
#
#   deploy/guest-image.sh DIR      writes DIR/{vmlinuz,initrd.gz,disk.qcow2}
#
# The guest mounts its config drive, sets up its network from it (or by DHCP), prints on the serial
# console what it found, each line beginning with "guest:", and then waits for the power button.
set -euo pipefail

out=${1:?usage: guest-image.sh DIR}
kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)
if [ -z "$kernel" ] || [ ! -x /bin/busybox ]; then
  echo "guest-image: needs linux-image-cloud-amd64 and busybox-static" >&2
  exit 1
fi
version=${kernel#/boot/vmlinuz-}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,etc,lib/modules,mnt/config,tmp}
cp /bin/busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"

# Modules with what they depend on, in loading order; those built into the kernel are not listed.
: >"$root/lib/modules/order"
for name in virtio_pci virtio_blk virtio_net virtio_scsi sd_mod ata_piix ahci sr_mod isofs vfat nls_cp437 \
    nls_ascii nls_iso8859-1 button evdev psmouse virtio-rng i6300esb tpm_tis tpm_crb efivarfs; do
  # A module this kernel does not have is not there to load.
  { modprobe --show-depends -S "$version" "$name" 2>/dev/null || true; } |
    sed -n 's/^insmod \([^ ]*\).*/\1/p' | while read -r file; do
      base=$(basename "$file")
      if grep -qx "$base" "$root/lib/modules/order"; then continue; fi
      cp "$file" "$root/lib/modules/"
      echo "$base" >>"$root/lib/modules/order"
    done
done

cat >"$root/etc/udhcpc.sh" <<'E'
#!/bin/sh
B=/bin/busybox
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
$B ip addr add "$ip/${mask:-24}" dev "$interface" 2>/dev/null
[ -z "$router" ] || $B ip route add default via "${router%% *}" 2>/dev/null
exit 0
E

cat >"$root/init" <<'E'
#!/bin/sh
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
while read -r m; do $B insmod "/lib/modules/$m" 2>/dev/null; done </lib/modules/order
say() { echo "guest: $*"; }
at() { $B dd if="$1" bs=1 skip="$2" count="$3" 2>/dev/null | $B tr -d '\0\n'; }
# File system and label of a device: what tests put there, and nothing else.
contents() {
  case "$(at "$1" 32769 5)" in CD001) echo "iso9660 $(at "$1" 32808 8)"; return ;; esac
  case "$(at "$1" 4086 10)" in SWAPSPACE2) echo swap; return ;; esac
  case "$(at "$1" 54 3)" in FAT) echo "vfat $(at "$1" 43 11)"; return ;; esac
  case "$(at "$1" 1080 2 | $B hexdump -v -e '1/1 "%02x"')" in 53ef) echo "ext4 $(at "$1" 1144 16)" ;; esac
}
# The first value of a key; the files have each key we ask for first where it counts.
field() { $B tr ',{' '\n\n' <"$1" | $B sed -n "s/^ *\"$2\": *\"\([^\"]*\)\".*/\1/p" | $B head -n 1; }

say "kernel $($B uname -r)"
say "smbios uuid $($B cat /sys/class/dmi/id/product_uuid 2>/dev/null)"
say "smbios product $($B cat /sys/class/dmi/id/sys_vendor 2>/dev/null), $($B cat /sys/class/dmi/id/product_name 2>/dev/null)"
say "cpus $($B grep -c ^processor /proc/cpuinfo)"
say "memory_kb $($B sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"
if [ -d /sys/firmware/efi ]; then say "firmware efi"; else say "firmware bios"; fi
for t in /sys/class/tpm/tpm*; do
  [ ! -e "$t" ] || say "tpm version $($B cat "$t/tpm_version_major" 2>/dev/null)"
done
# TPM2_GetRandom of 8 bytes: a header of 10 bytes with the result, a length and them.
if [ -c /dev/tpm0 ]; then
  exec 3<>/dev/tpm0
  $B printf '\200\001\000\000\000\014\000\000\001\173\000\010' >&3
  say "tpm random $($B dd bs=64 count=1 <&3 2>/dev/null | $B hexdump -v -e '1/1 "%02x"')"
  exec 3>&-
fi
for n in /sys/devices/system/node/node*; do
  [ -d "$n" ] || continue
  say "numa ${n##*/} cpus $($B cat "$n/cpulist") memory_kb $($B sed -n 's/.*MemTotal: *\([0-9]*\).*/\1/p' "$n/meminfo")"
done
for p in /sys/bus/pci/devices/*; do
  say "pci $($B cat "$p/vendor"):$($B cat "$p/device")"
done
for w in /sys/class/watchdog/watchdog*; do
  [ ! -e "$w" ] || say "watchdog $($B cat "$w/identity" 2>/dev/null)"
done
say "serial ports $($B grep -vc 'uart:unknown\|^serinfo' /proc/tty/driver/serial)"
for d in /sys/block/*; do
  case ${d##*/} in ram*|loop*|fd*) continue ;; esac
  # The bus is the last but the block device's own directories: scsi ("host0"), virtio, ata.
  case $($B readlink -f "$d") in
    */virtio*/host*) bus=virtio-scsi ;; */ata*) bus=ata ;; */virtio*) bus=virtio ;; *) bus=other ;;
  esac
  say "disk ${d##*/} sectors $($B cat "$d/size") bus $bus holds $(contents "/dev/${d##*/}")"
done
say "rng $($B cat /sys/class/misc/hw_random/rng_current 2>/dev/null)"

# The config drive is the device labelled config-2, whatever its bus and file system.
tries=0
while [ $tries -lt 20 ]; do
  for d in /dev/sr0 /dev/sr1 /dev/vd? /dev/sd?; do
    [ -b "$d" ] || continue
    what=$(contents "$d")
    case "$what" in
      *config-2*) $B mount -t "${what%% *}" -o ro "$d" /mnt/config 2>/dev/null &&
        say "config drive ${d##*/} $what" && break 2 ;;
    esac
  done
  tries=$((tries + 1)); $B usleep 100000
done
meta=/mnt/config/openstack/latest/meta_data.json
net=/mnt/config/openstack/latest/network_data.json
if [ -f $meta ]; then
  name=$(field $meta hostname)
  $B hostname "$name"
  say "hostname $name"
  say "uuid $(field $meta uuid)"
  ec2=/mnt/config/ec2/latest/meta-data.json
  [ ! -f $ec2 ] || say "flavor $(field $ec2 instance-type)"
  say "user_data $($B head -c 60 /mnt/config/openstack/latest/user_data 2>/dev/null | $B head -1)"
else
  say "no config drive"
fi

for i in $($B ls /sys/class/net); do
  [ "$i" != lo ] || continue
  mac=$($B cat "/sys/class/net/$i/address")
  $B ip link set "$i" up
  say "nic $i mac $mac mtu $($B cat "/sys/class/net/$i/mtu")"
  address=$([ -f $net ] && field $net ip_address)
  if [ -n "$address" ]; then
    $B ip addr add "$address/$($B ipcalc -p "$address" "$(field $net netmask)" | $B sed 's/PREFIX=//')" dev "$i"
    $B ip link set "$i" mtu "$($B tr ',{' '\n\n' <$net | $B sed -n 's/^ *"mtu": *\([0-9]*\).*/\1/p' | $B head -n 1)" 2>/dev/null
  else
    $B udhcpc -i "$i" -q -n -t 4 -T 1 -s /etc/udhcpc.sh >/dev/null 2>&1
  fi
  say "address $($B ip -4 -o addr show dev "$i" | $B sed -n 's/.*inet \([0-9./]*\).*/\1/p')"
done
if [ "$($B grep -vc 'uart:unknown\|^serinfo' /proc/tty/driver/serial)" -gt 1 ]; then
  ( exec <>/dev/ttyS1 >&0; $B stty -echo; while read -r line; do say "heard $line"; done ) &
fi
say "ready"

# The watchdog by hand, for want of a driver: two short stages, and never a word from us. The writes
# to its reload register unlock one write each.
case " $($B cat /proc/cmdline) " in
  *" kilonova.watchdog "*)
    for p in /sys/bus/pci/devices/*; do
      [ "$($B cat "$p/vendor"):$($B cat "$p/device")" = 0x8086:0x25ab ] || continue
      echo 1 >"$p/enable"
      bar=$(($($B sed -n '1s/ .*//p' "$p/resource")))
      for register in 0 4; do
        $B devmem $((bar + 12)) 32 0x80
        $B devmem $((bar + 12)) 32 0x86
        $B devmem $((bar + register)) 32 0x400
      done
      say "watchdog armed"
      $B printf '\002' | $B dd of="$p/config" bs=1 seek=104 conv=notrunc 2>/dev/null
    done ;;
esac

for d in /dev/input/event*; do
  [ -e "$d" ] || continue
  ( $B head -c 24 "$d" >/dev/null && say "power button" && $B poweroff -f ) &
done
case " $($B cat /proc/cmdline) " in
  *" kilonova.tick "*) n=0; while :; do say "tick $n"; n=$((n + 1)); $B sleep 1; done ;;
esac
while :; do $B sleep 3600; done
E
chmod +x "$root/init" "$root/etc/udhcpc.sh"

(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible -R 0:0) | gzip -n -9 >"$out/initrd.gz"
cp "$kernel" "$out/vmlinuz"
chmod 0644 "$out/vmlinuz" "$out/initrd.gz"
rm -f "$out/disk.qcow2"
qemu-img create -q -f qcow2 "$out/disk.qcow2" 16M
echo "guest-image: $(cd "$out" && sha256sum vmlinuz initrd.gz disk.qcow2 | tr '\n' ' ')" >&2
