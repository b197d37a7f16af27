// SPDX-License-Identifier: Apache-2.0
// What the stream left behind, and the rules of each format over it. A rule is a pure function of
// the evidence; it never asks how the bytes arrived.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/adapters/images/inspector/bytes.h"
#include "agent/adapters/images/inspector/verdict.h"
#include "agent/adapters/images/inspector/vmdk_descriptor.h"

namespace kilonova::agent::adapters::images {

inline constexpr std::uint64_t kHeadBytes = std::uint64_t{256} * 1024;

struct VhdxTrail;

struct Evidence {
  Bytes head{std::string_view{}};  // the first kHeadBytes
  std::uint64_t length = 0;        // of the whole file
  Bytes tail{std::string_view{}};  // the last 1536 bytes of a VMDK that announces a footer
  const DescriptorScan* descriptor = nullptr;  // of a sparse VMDK
  Bytes vhd_dynamic{std::string_view{}};       // the first 8 bytes of a VHD's dynamic header
  const VhdxTrail* vhdx = nullptr;
};

class Findings {
 public:
  void Fail(Check check) { failed_ |= 1U << static_cast<unsigned>(check); }
  void FailIf(bool broken, Check check) {
    if (broken) Fail(check);
  }
  bool Has(Check check) const { return (failed_ >> static_cast<unsigned>(check)) & 1U; }
  std::vector<Check> List() const;

  std::optional<std::uint64_t> virtual_size;

 private:
  unsigned failed_ = 0;
};

void JudgeQcow2(const Evidence& evidence, Findings& findings);
void JudgeVmdk(const Evidence& evidence, Findings& findings);
void JudgeVhd(const Evidence& evidence, Findings& findings);
void JudgeVhdx(const Evidence& evidence, Findings& findings);
void JudgeVdi(const Evidence& evidence, Findings& findings);
void JudgeLuks(const Evidence& evidence, Findings& findings);
void JudgeIso(const Evidence& evidence, Findings& findings);
void JudgeMbr(const Evidence& evidence, Findings& findings);

bool IsSparseVmdk(Bytes head);
bool VmdkHasFooter(Bytes head);
// The bytes a sparse VMDK's header declares for its descriptor, at most 2^20-1.
std::uint64_t VmdkDescriptorRegion(Bytes head);
// Where a VHD's dynamic header lies.
std::uint64_t VhdDynamicOffset(Bytes head);

}  // namespace kilonova::agent::adapters::images
