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
# to bind memory to another, so that binding is taken out of QEMU's command line; the rest of a guest
# with cells (its topology, its pinned CPUs, huge pages) is as on any machine.
two_cells() {
  local nodes=$dir/nodes real=/sys/devices/system/node qemu=/usr/bin/qemu-system-x86_64 last half huge
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
  # It looks for its modules and firmware beside itself.
  mkdir -p "$dir/usr/bin"
  ln -s /usr/lib /usr/share "$dir/usr/"
  touch "$dir$qemu"
  mount --bind "$qemu" "$dir$qemu"
  cat >"$dir/qemu-one-node" <<X
#!/bin/bash
args=()
for arg in "\$@"; do args+=("\${arg/,\"host-nodes\":\[1\],\"policy\":\"bind\"/}"); done
exec "$dir$qemu" "\${args[@]}"
X
  chmod 0755 "$dir/qemu-one-node"
  mount --bind "$dir/qemu-one-node" "$qemu"
  mkdir -p /dev/hugepages
  mount -t hugetlbfs hugetlbfs /dev/hugepages
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
  runs "$dir/libvirtd.pid" ||
    libvirtd -d -f /etc/libvirt/libvirtd.conf -p "$dir/libvirtd.pid" </dev/null >/dev/null 2>>"$dir/libvirtd.err"
  for _ in $(seq 300); do
    if virsh -q -c "qemu+unix:///system?socket=$dir/sock/libvirt-sock" list >/dev/null 2>&1; then
      exit 0
    fi
    sleep 0.05
  done
  cat "$dir/libvirtd.err" "$dir/libvirtd.log" >&2
  exit 1
}

"$verb"
