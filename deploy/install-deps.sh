#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs, on Debian 12 and as root, what Kilonova needs.
#
#   deploy/install-deps.sh [build] [run] [test]
#
# build  compilers and libraries
# run    RabbitMQ, libvirt, QEMU and the tools the daemons call
# test   what the tests need beyond that, real Nova among it
# No argument means all three. Re-running is cheap: only missing packages are asked for.
set -euo pipefail

build=(ca-certificates cmake ninja-build ccache g++ pkg-config git python3
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libvirt-dev librabbitmq-dev libyaml-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev
  nlohmann-json3-dev libpugixml-dev libspdlog-dev libfmt-dev libcli11-dev
  libsqlitecpp-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev uuid-dev zlib1g-dev
  prometheus-cpp-dev libcpp-httplib-dev librapidcheck-dev)
run=(rabbitmq-server libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system
  libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base iptables iproute2
  swtpm swtpm-tools ovmf dosfstools e2fsprogs mtools util-linux
  xorriso busybox-static cpio linux-image-cloud-amd64 kmod curl openssl procps)
test=(clang clang-tidy clang-format libclang-rt-14-dev shellcheck
  python3-pytest python3-pika python3-libvirt python3-nova python3-placement
  python3-jsonschema python3-yaml)

wanted=()
[ $# -gt 0 ] || set -- build run test
for group in "$@"; do
  case "$group" in
    build) wanted+=("${build[@]}") ;;
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    *) echo "install-deps: unknown group '$group' (build, run, test)" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "install-deps: must be root to install: ${missing[*]}" >&2
  exit 1
fi

# Packages that bring a daemon must not start it: the tests and quickstart start their own.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 0755 "$policy"
  made_policy=yes
fi
cleanup() { if [ "$made_policy" = yes ]; then rm -f "$policy"; fi; }
trap cleanup EXIT

export DEBIAN_FRONTEND=noninteractive
echo "install-deps: installing ${#missing[@]} packages" >&2
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
