// SPDX-License-Identifier: Apache-2.0
#include "agent/core/pci_machine.h"

#include <filesystem>
#include <fstream>

namespace kilonova::agent::core {
namespace {

namespace fs = std::filesystem;

bool HasVirtualFunctions(const fs::path& device) {
  std::ifstream file(device / "sriov_totalvfs");
  int total = 0;
  return static_cast<bool>(file >> total) && total > 0;
}

}  // namespace

hardware::PciMachine MachineAt(const std::string& sys) {
  hardware::PciMachine machine;
  const fs::path root = sys;
  machine.is_physical_function = [root](const std::string& address) {
    return HasVirtualFunctions(root / "bus/pci/devices" / address);
  };
  machine.function_of =
      [root](const std::string& name) -> std::optional<hardware::PciMachine::Function> {
    if (name.find('/') != std::string::npos) return std::nullopt;
    const fs::path device = root / "class/net" / name / "device";
    std::error_code error;
    const fs::path target = fs::read_symlink(device, error);
    if (error) return std::nullopt;
    return hardware::PciMachine::Function{target.filename().string(), HasVirtualFunctions(device)};
  };
  return machine;
}

}  // namespace kilonova::agent::core
