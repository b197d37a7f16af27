#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to a running VM on one Debian 12 machine, as root:
#
#   deploy/quickstart.sh          install, build, start what is needed, boot a VM, show its console
#   deploy/quickstart.sh --down   stop what it started and remove what it made
#
# Re-runnable. RabbitMQ and libvirtd are used if they run already, and started if not; everything
# listens on loopback only. Settings, from the environment:
#   KILONOVA_QUICKSTART_DIR  state, logs and sockets (default /var/lib/kilonova-quickstart)
#   KILONOVA_BUILD_DIR       where to build (default build/release)
#   KILONOVA_QUICKSTART_AMQP a broker to use instead, e.g. amqp://user:secret@127.0.0.1:5672/
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${KILONOVA_QUICKSTART_DIR:-/var/lib/kilonova-quickstart}
build=${KILONOVA_BUILD_DIR:-$PWD/build/release}
bridge=kn-quick0
export KILONOVA_SERVER=unix:$dir/scheduler.sock

say() { printf '\n== %s\n' "$*"; }
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $until ]; then
      echo "quickstart: $what did not come within the time; see the logs in $dir" >&2
      return 1
    fi
    sleep 0.2
  done
}

# stop PIDFILE: ends exactly that process.
stop() {
  alive "$1" || { rm -f "$1"; return 0; }
  local pid
  pid=$(cat "$1")
  kill "$pid"
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$1"
}

# A node of our own, whatever else runs here. An array, not a function: what is put into the
# background must be the process itself, or its pid would be a shell's.
rabbit=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME="$dir/rabbitmq"
  ERL_EPMD_PORT=15674 ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODENAME=kilonova-quickstart@localhost
  RABBITMQ_DIST_PORT=15675 RABBITMQ_MNESIA_BASE="$dir/rabbitmq/db" RABBITMQ_LOG_BASE="$dir/rabbitmq/log"
  RABBITMQ_CONFIG_FILE="$dir/rabbitmq/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null
  RABBITMQ_ENABLED_PLUGINS_FILE="$dir/rabbitmq/plugins" RABBITMQ_ALLOW_INPUT=1
  "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}")

start_broker() {
  if [ -n "${KILONOVA_QUICKSTART_AMQP:-}" ]; then
    amqp=$KILONOVA_QUICKSTART_AMQP
    return
  fi
  # rabbitmqctl would start an epmd where there is none, and leave it behind.
  if ! alive "$dir/rabbitmq.pid" && epmd -names >/dev/null 2>&1 &&
    timeout 10 rabbitmqctl -q ping >/dev/null 2>&1; then
    amqp=amqp://guest:guest@127.0.0.1:5672/
    echo "using the RabbitMQ that runs here"
    return
  fi
  amqp=amqp://guest:guest@127.0.0.1:15673/
  alive "$dir/rabbitmq.pid" && return
  mkdir -p "$dir/rabbitmq"
  chmod 0700 "$dir/rabbitmq"
  printf 'listeners.tcp.1 = 127.0.0.1:15673\ndisk_free_limit.absolute = 50MB\nlog.console = false\n' \
    >"$dir/rabbitmq/rabbitmq.conf"
  echo '[].' >"$dir/rabbitmq/plugins"
  "${rabbit[@]}" setsid /usr/bin/epmd -port 15674 -address 127.0.0.1 </dev/null >/dev/null 2>&1 &
  echo $! >"$dir/epmd.pid"
  "${rabbit[@]}" setsid /usr/lib/rabbitmq/bin/rabbitmq-server </dev/null >"$dir/rabbitmq/start.log" 2>&1 &
  echo $! >"$dir/rabbitmq.pid"
  wait_for 180 RabbitMQ "${rabbit[@]}" /usr/lib/rabbitmq/bin/rabbitmqctl -q await_startup --timeout 5
}

start_libvirtd() {
  if virsh -q -c qemu:///system list >/dev/null 2>&1; then
    return
  fi
  alive "$dir/virtlogd.pid" || virtlogd -d -p "$dir/virtlogd.pid" </dev/null
  alive "$dir/libvirtd.pid" || libvirtd -d -p "$dir/libvirtd.pid" </dev/null
  wait_for 120 libvirtd virsh -q -c qemu:///system list
}

start_daemon() { # NAME
  alive "$dir/$1.pid" && return
  rm -f "$dir/$1.ready"
  setsid "$build/bin/kilonova-$1" --config "$dir/$1.yaml" --ready-file "$dir/$1.ready" \
    </dev/null >>"$dir/$1.log" 2>&1 &
  echo $! >"$dir/$1.pid"
  if ! wait_for 120 "kilonova-$1" test -e "$dir/$1.ready"; then
    tail -n 20 "$dir/$1.log" >&2
    exit 1
  fi
}

kn() { "$build/bin/kilonova" "$@"; }
host_up() { kn host list | grep -q "^quickstart  *up"; }
guest_says() { kn instance console "$1" | grep -q "$2"; }

down() {
  say "Stopping"
  if alive "$dir/scheduler.pid" && alive "$dir/agent.pid"; then
    for uuid in $(kn instance list 2>/dev/null | awk 'NR > 1 {print $1}'); do
      kn instance delete "$uuid" --wait --wait-timeout 60 >/dev/null || true
    done
  fi
  for name in agent scheduler rabbitmq epmd libvirtd virtlogd; do
    stop "$dir/$name.pid"
  done
  ip link del "$bridge" 2>/dev/null || true
  rm -rf "$dir"
  echo "Nothing of the quickstart is left. What was installed and built stays."
}

case "${1:-}" in
  --down) down; exit 0 ;;
  "") ;;
  *) sed -n '3,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  echo "quickstart: must be root: it installs packages and runs VMs" >&2
  exit 1
fi

say "Installing packages"
deploy/install-deps.sh build run

say "Building (a few minutes the first time)"
cmake --preset release -B "$build" -DBUILD_TESTING=OFF >/dev/null
cmake --build "$build" --target kilonova kilonova-scheduler kilonova-agent

say "Starting RabbitMQ, libvirtd, the scheduler and one agent"
mkdir -p "$dir"
chmod 0711 "$dir" # QEMU's own user must pass through
start_broker
start_libvirtd
if [ ! -d "/sys/class/net/$bridge" ]; then
  ip link add "$bridge" type bridge
  ip addr add 10.88.0.1/24 dev "$bridge"
  ip link set "$bridge" up
fi
cat >"$dir/scheduler.yaml" <<X
listen: "unix:$dir/scheduler.sock"
state_dir: "$dir/scheduler"
flavor_dir: "$PWD/flavors/catalog"
amqp:
  url: "$amqp"
X
cat >"$dir/agent.yaml" <<X
host: quickstart
state_dir: "$dir/agent"
amqp:
  url: "$amqp"
scheduler:
  address: "unix:$dir/scheduler.sock"
images:
  file_roots: ["$dir/images"]
X
chmod 0600 "$dir/scheduler.yaml" "$dir/agent.yaml"
start_daemon scheduler
start_daemon agent
wait_for 120 "the host" host_up

say "Making a tiny guest: Debian's cloud kernel and busybox"
[ -s "$dir/images/disk.qcow2" ] || deploy/guest-image.sh "$dir/images"
kn network list | grep -q ' quick ' ||
  kn network create quick --bridge "$bridge" --cidr 10.88.0.0/24 --gateway 10.88.0.1 >/dev/null
id_of() { kn image list | awk -v n="$1" '$2 == n {print $1}'; }
[ -n "$(id_of busybox-kernel)" ] ||
  kn image register busybox-kernel "$dir/images/vmlinuz" --disk-format aki >/dev/null
[ -n "$(id_of busybox-ramdisk)" ] ||
  kn image register busybox-ramdisk "$dir/images/initrd.gz" --disk-format ari >/dev/null
[ -n "$(id_of busybox)" ] ||
  kn image register busybox "$dir/images/disk.qcow2" --disk-format qcow2 \
    --property "kernel_id=$(id_of busybox-kernel)" --property "ramdisk_id=$(id_of busybox-ramdisk)" \
    --property "os_command_line=console=ttyS0 quiet" >/dev/null
kn image list

say "Capacity before"
kn host list

say "A VM from flavor m1.nano"
echo "\$ kilonova instance create first-light --flavor m1.nano --image busybox --network quick --config-drive --wait"
kn instance create first-light --flavor m1.nano --image busybox --network quick --config-drive --wait
uuid=$(kn instance list | awk 'NR == 2 {print $1}')

say "What the guest says on its serial console"
wait_for 600 "the guest" guest_says "$uuid" "guest: ready"
kn instance console "$uuid" | tr -d '\r' | grep '^guest:'

say "Capacity after"
kn host list

cat <<X

It runs. Go on with:
  export KILONOVA_SERVER=$KILONOVA_SERVER PATH=$build/bin:\$PATH
  kilonova instance list
  kilonova instance console $uuid
  kilonova explain --flavor m1.xlarge --image busybox
  kilonova instance delete $uuid --wait
Stop it all:
  deploy/quickstart.sh --down
X
