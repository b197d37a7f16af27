// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/constraints.h"

namespace kilonova::hardware {

Status CheckFlavorWithImage(const GuestNeeds& needs) {
  RETURN_IF_ERROR(MemEncryptionConstraint(needs).status());
  RETURN_IF_ERROR(PmuConstraint(needs).status());
  RETURN_IF_ERROR(NumberOfSerialPorts(needs).status());
  RETURN_IF_ERROR(RealtimeCpuConstraint(needs).status());
  RETURN_IF_ERROR(GetCpuTopologyConstraints(needs).status());
  return VifMultiqueueConstraint(needs).status();
}

}  // namespace kilonova::hardware
