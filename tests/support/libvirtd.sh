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

hold() {
  mkdir -p "$dir"/{run,lib,log,cache,etc/qemu,sock} /run/libvirt /var/lib/libvirt \
    /var/log/libvirt /var/cache/libvirt /etc/libvirt
  [ ! -d /etc/libvirt/nwfilter ] || cp -a /etc/libvirt/nwfilter "$dir/etc/"
  mount --bind "$dir/run" /run/libvirt
  mount --bind "$dir/lib" /var/lib/libvirt
  mount --bind "$dir/log" /var/log/libvirt
  mount --bind "$dir/cache" /var/cache/libvirt
  mount --bind "$dir/etc" /etc/libvirt
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
