#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A libvirtd of a test's own, in namespaces of its own: its /run/libvirt, /var/lib/libvirt,
# /etc/libvirt and processes are nobody else's. libvirtd.h and libvirtd.py are its callers.
#
#   setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child=KILL \
#     --mount-proc [--net] libvirtd.sh hold DIR
#   nsenter -t HOLDER --mount --pid [--net] libvirtd.sh start DIR
#
# "hold" is the first process of the namespaces: it keeps them, with guests, while libvirtd comes
# and goes, and takes everything with it when it ends. "start" returns once libvirtd answers.
set -euo pipefail
verb=${1:?verb} dir=${2:?directory}

# What libvirt reads of NUMA nodes, for two of them: CPU 0 and the huge pages in the first, the other
# CPUs in the second, half of the memory in each. The kernel may know one node only and would refuse
# to bind memory to another, so wrap_qemu takes that binding away; the rest of a guest with cells (its
# topology, its pinned CPUs, huge pages) is as on any machine.
two_cells() {
  local nodes=$dir/nodes real=/sys/devices/system/node last half huge
  last=$(($(nproc --all) - 1))
  half=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 2))
  huge=hugepages/hugepages-2048kB
  for node in 0 1; do
    mkdir -p "$nodes/node$node/$huge"
    printf 'Node %s MemTotal: %s kB\nNode %s MemFree: %s kB\n' $node $half $node $half >"$nodes/node$node/meminfo"
    echo 0 | tee "$nodes/node$node/$huge"/{nr,free,surplus}_hugepages >/dev/null
  done
  tee "$nodes/node0/$huge"/{nr,free}_hugepages </proc/sys/vm/nr_hugepages >/dev/null
  echo 0 >"$nodes/node0/cpulist"
  echo 1 >"$nodes/node0/cpumap"
  echo "10 20" >"$nodes/node0/distance"
  echo "1-$last" | sed 's/^1-1$/1/' >"$nodes/node1/cpulist"
  printf '%x\n' $(((1 << (last + 1)) - 2)) >"$nodes/node1/cpumap"
  echo "20 10" >"$nodes/node1/distance"
  for cpu in $(seq 0 $last); do
    ln -s "/sys/devices/system/cpu/cpu$cpu" "$nodes/node$((cpu > 0))/cpu$cpu"
  done
  echo 0-1 | tee "$nodes"/{online,possible,has_cpu,has_memory,has_normal_memory} >/dev/null
  mount --bind "$nodes" "$real"
  mkdir -p /dev/hugepages
  mount -t hugetlbfs hugetlbfs /dev/hugepages
}

# PCI devices that this machine has not, as the kernel would show them: each word of
# $KILONOVA_TEST_PCI is ADDRESS,VENDOR,PRODUCT,NODE,KIND. KIND is "-", "pf" for a physical function,
# the address of one for its virtual functions, or "loose" for a device without IOMMU group, with
# which no guest can be started. They are bound to vfio-pci already, so libvirt writes nothing.
pci_devices() {
  local pci=$dir/pci sys=/sys/devices/software group=0 address vendor product node kind at
  mkdir -p "$pci"/{devices,bus/devices,bus/drivers/vfio-pci,groups,vfio}
  cp -a /sys/bus/pci/devices/. "$pci/bus/devices/"
  touch "$pci/bus/drivers_probe" "$pci/bus/drivers/vfio-pci"/{bind,unbind} "$pci/vfio/vfio"
  for device in $KILONOVA_TEST_PCI; do
    IFS=, read -r address vendor product node kind <<<"$device"
    at=$pci/devices/$address
    mkdir "$at"
    echo "0x$vendor" >"$at/vendor"
    echo "0x$product" >"$at/device"
    echo 0x030200 >"$at/class"
    echo "$node" >"$at/numa_node"
    touch "$at/driver_override"
    printf 'DRIVER=vfio-pci\nPCI_CLASS=30200\nPCI_ID=%s:%s\nPCI_SLOT_NAME=%s\n' \
      "${vendor^^}" "${product^^}" "$address" >"$at/uevent"
    printf '%b' "\\x${vendor:2}\\x${vendor:0:2}\\x${product:2}\\x${product:0:2}" >"$at/config"
    head -c 252 /dev/zero >>"$at/config"
    ln -s ../../../bus/pci "$at/subsystem"
    ln -s ../../../bus/pci/drivers/vfio-pci "$at/driver"
    ln -s "../../../devices/software/$address" "$pci/bus/devices/$address"
    if [ "$kind" != loose ]; then
      group=$((group + 1))
      mkdir -p "$pci/groups/$group/devices"
      ln -s "../../../../devices/software/$address" "$pci/groups/$group/devices/$address"
      ln -s "../../../kernel/iommu_groups/$group" "$at/iommu_group"
      touch "$pci/vfio/$group"
    fi
    case $kind in
      pf) echo 8 | tee "$at/sriov_totalvfs" >/dev/null ;;
      - | loose) ;;
      *)
        ln -s "../$kind" "$at/physfn"
        functions=$(find "$pci/devices/$kind" -name 'virtfn*' | wc -l)
        ln -s "../$address" "$pci/devices/$kind/virtfn$functions"
        ;;
    esac
  done
  mount --bind "$pci/devices" "$sys"
  mount --bind "$pci/bus" /sys/bus/pci
  mount --bind "$pci/groups" /sys/kernel/iommu_groups
  mkdir -p /dev/vfio
  mount --bind "$pci/vfio" /dev/vfio
  # Guests with devices may lock their memory. Where root may not give that right, it is left out:
  # the stand-ins need no locked memory.
  prlimit --memlock=unlimited:unlimited true 2>/dev/null || cc -shared -fPIC -o "$pci/memlock.so" -x c - <<'X'
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
int prlimit64(pid_t pid, enum __rlimit_resource what, const struct rlimit64 *to, struct rlimit64 *was) {
  if (what == RLIMIT_MEMLOCK && to) return 0;
  return syscall(SYS_prlimit64, pid, what, to, was);
}
int prlimit(pid_t pid, enum __rlimit_resource what, const struct rlimit *to, struct rlimit *was) {
  return prlimit64(pid, what, (const struct rlimit64 *)to, (struct rlimit64 *)was);
}
X
}

# Types of mediated devices that those PCI devices can make: each word of $KILONOVA_TEST_MDEVS is
# ADDRESS,TYPE,COUNT. mdev_kernel.py makes the devices.
mdev_types() {
  local pci=$dir/pci address kind count at
  mkdir -p "$pci"/{mdev/devices,mdev_bus}
  for each in $KILONOVA_TEST_MDEVS; do
    IFS=, read -r address kind count <<<"$each"
    at=$pci/devices/$address/mdev_supported_types/$kind
    mkdir -p "$at/devices"
    echo "$count" >"$at/available_instances"
    echo vfio-pci >"$at/device_api"
    echo "$kind" >"$at/name"
    touch "$at/create"
    ln -sfn "../../devices/software/$address" "$pci/mdev_bus/$address"
  done
  beside /sys/bus mdev "$pci/mdev"
  beside /sys/class mdev_bus "$pci/mdev_bus"
  # Where no udevd runs nobody listens to it.
  mkdir -p "$pci/udev" /run/udev
  touch "$pci/udev/control"
  mount --bind "$pci/udev" /run/udev
}

# Shows directory $3 as $1/$2, beside what is in $1.
beside() {
  local all=$dir/beside/$1
  mkdir -p "$all/$2"
  mount --bind "$3" "$all/$2"
  for each in "$1"/*/; do
    mkdir -p "$all/$(basename "$each")"
    [ "$(basename "$each")" = "$2" ] || mount --bind "$each" "$all/$(basename "$each")"
  done
  mount --rbind "$all" "$1"
}

# Takes out of QEMU's command line what the machine has not: memory bound to a node the kernel does
# not know, and the made devices, for each of which QEMU's own test device stands in.
wrap_qemu() {
  local qemu=/usr/bin/qemu-system-x86_64
  # It looks for its modules and firmware beside itself.
  mkdir -p "$dir/usr/bin"
  ln -s /usr/lib /usr/share "$dir/usr/"
  touch "$dir$qemu"
  mount --bind "$qemu" "$dir$qemu"
  cat >"$dir/qemu-wrapper" <<X
#!/bin/bash
args=()
for arg in "\$@"; do
  arg=\${arg/,\"host-nodes\":\[1\],\"policy\":\"bind\"/}
  case \$arg in *'"sysfsdev":"/sys/bus/mdev/'*)
    arg=\${arg/\"vfio-pci\"/\"pci-testdev\"}
    arg=\${arg/,\"sysfsdev\":\"\/sys\/bus\/mdev\/devices\/????????-????-????-????-????????????\"/}
    arg=\${arg/,\"display\":\"off\"/} ;;
  esac
  args+=("\${arg/\"vfio-pci\",\"host\":\"00ff:??:??.?\"/\"pci-testdev\"}")
done
exec "$dir$qemu" "\${args[@]}"
X
  chmod 0755 "$dir/qemu-wrapper"
  mount --bind "$dir/qemu-wrapper" "$qemu"
}

hold() {
  mkdir -p "$dir"/{run,lib,log,cache,etc/qemu,sock,swtpm} /run/libvirt /var/lib/libvirt \
    /var/log/libvirt /var/cache/libvirt /etc/libvirt /var/log/swtpm
  [ ! -d /etc/libvirt/nwfilter ] || cp -a /etc/libvirt/nwfilter "$dir/etc/"
  mount --bind "$dir/run" /run/libvirt
  mount --bind "$dir/lib" /var/lib/libvirt
  mount --bind "$dir/log" /var/log/libvirt
  mount --bind "$dir/cache" /var/cache/libvirt
  mount --bind "$dir/etc" /etc/libvirt
  mount --bind "$dir/swtpm" /var/log/swtpm
  cat >/etc/libvirt/libvirtd.conf <<X
unix_sock_dir = "$dir/sock"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:$dir/libvirtd.log"
X
  cat >/etc/libvirt/virtlogd.conf <<X
max_size = ${KILONOVA_TEST_CONSOLE_BYTES:-1048576}
max_backups = 1
X
  # No security driver, cgroups or namespaces: CI containers have them not. stdio_handler is what
  # limits a guest's console log.
  cat >/etc/libvirt/qemu.conf <<X
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "logd"
X
  [ "${KILONOVA_TEST_CELLS:-1}" != 2 ] || two_cells
  [ -z "${KILONOVA_TEST_PCI:-}" ] || pci_devices
  [ -z "${KILONOVA_TEST_MDEVS:-}" ] || mdev_types
  [ "${KILONOVA_TEST_CELLS:-1}${KILONOVA_TEST_PCI:-}" = 1 ] || wrap_qemu
  ip link set lo up
  touch "$dir/held"
  # As the namespace's init bash reaps the guests that libvirt left to it.
  while :; do
    sleep 3600 &
    wait $! || true
  done
}

runs() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

start() {
  runs "$dir/virtlogd.pid" ||
    virtlogd -d -f /etc/libvirt/virtlogd.conf -p "$dir/virtlogd.pid" </dev/null >/dev/null 2>>"$dir/virtlogd.err"
  # udev is to take directories of ours for the kernel's.
  [ ! -d "$dir/pci" ] || export SYSTEMD_DEVICE_VERIFY_SYSFS=0
  [ ! -e "$dir/pci/memlock.so" ] || export LD_PRELOAD="$dir/pci/memlock.so"
  for _ in $(seq 1200); do
    # Again when it has ended meanwhile: of one that was killed something may be left for a moment.
    runs "$dir/libvirtd.pid" ||
      libvirtd -d -f /etc/libvirt/libvirtd.conf -p "$dir/libvirtd.pid" </dev/null >/dev/null 2>>"$dir/libvirtd.err" ||
      true
    # A call that meets a libvirtd which is only starting may wait for ever.
    if timeout 20 virsh -q -c "qemu+unix:///system?socket=$dir/sock/libvirt-sock" list >/dev/null 2>&1; then
      exit 0
    fi
    sleep 0.05
  done
  cat "$dir/libvirtd.err" "$dir/libvirtd.log" >&2
  exit 1
}

"$verb"
