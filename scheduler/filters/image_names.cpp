// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/image_names.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace kilonova::scheduler::filters {
namespace {

using Alias = std::pair<std::string_view, std::string_view>;

constexpr std::array<std::string_view, 34> kArchitectures = {
    "alpha",  "armv6",    "armv7l",    "armv7b",     "aarch64",      "cris",    "i686",
    "ia64",   "lm32",     "m68k",      "microblaze", "microblazeel", "mips",    "mipsel",
    "mips64", "mips64el", "openrisc",  "parisc",     "parisc64",     "ppc",     "ppcle",
    "ppc64",  "ppc64le",  "ppcemb",    "s390",       "s390x",        "sh4",     "sh4eb",
    "sparc",  "sparc64",  "unicore32", "x86_64",     "xtensa",       "xtensaeb"};
constexpr std::array<Alias, 6> kArchitectureAliases = {{{"i386", "i686"},
                                                        {"i486", "i686"},
                                                        {"i586", "i686"},
                                                        {"x86_32", "i686"},
                                                        {"x86_32p", "i686"},
                                                        {"amd64", "x86_64"}}};

constexpr std::array<std::string_view, 22> kHypervisorTypes = {
    "baremetal", "bhyve", "docker", "fake",      "hyperv", "ironic", "kqemu", "kvm",
    "lxc",       "lxd",   "openvz", "parallels", "vz",     "phyp",   "qemu",  "test",
    "uml",       "vbox",  "vmware", "xen",       "zvm",    "prsm"};
constexpr std::array<Alias, 1> kHypervisorAliases = {{{"xapi", "xen"}}};

constexpr std::array<std::string_view, 4> kVmModes = {"hvm", "xen", "uml", "exe"};
constexpr std::array<Alias, 3> kVmModeAliases = {
    {{"pv", "xen"}, {"hv", "hvm"}, {"baremetal", "hvm"}}};

std::optional<std::string> Canonical(std::string_view name, std::span<const std::string_view> known,
                                     std::span<const Alias> aliases) {
  std::string lower = absl::AsciiStrToLower({name.data(), name.size()});
  for (const auto& [alias, meant] : aliases) {
    if (lower == alias) lower = meant;
  }
  if (std::ranges::find(known, lower) == known.end()) return std::nullopt;
  return lower;
}

}  // namespace

std::optional<std::string> CanonicalArchitecture(std::string_view name) {
  return Canonical(name, kArchitectures, kArchitectureAliases);
}

std::optional<std::string> CanonicalHypervisorType(std::string_view name) {
  return Canonical(name, kHypervisorTypes, kHypervisorAliases);
}

std::optional<std::string> CanonicalVmMode(std::string_view name) {
  return Canonical(name, kVmModes, kVmModeAliases);
}

}  // namespace kilonova::scheduler::filters
