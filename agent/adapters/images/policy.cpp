// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/policy.h"

#include <vector>

namespace kilonova::agent::adapters::images {

Expected<std::string> ServedAs(std::string_view claimed_format,
                               const std::set<std::string>& served) {
  const bool raw = claimed_format == format::kRaw || claimed_format == format::kIso ||
                   claimed_format == "ami" || claimed_format == "aki" || claimed_format == "ari";
  const bool known = raw || claimed_format == format::kQcow2;
  if (!known || !served.contains(std::string(claimed_format))) {
    return Error(Code::kInvalidArgument, reason::kImageFormatNotServed,
                 "images of this format are not served here",
                 {{"format", std::string(claimed_format)}});
  }
  return std::string(raw ? format::kRaw : format::kQcow2);
}

Status ExplainVerdict(const Verdict& verdict, std::string_view claimed_format) {
  if (verdict.safe()) return OkStatus();
  // Linux kernels begin with a boot sector's signature and no partition table. They are handed to
  // QEMU as a kernel, never as a disk, so that their table means nothing to anybody; Nova does not
  // look at them at all.
  const bool boot_file = claimed_format == "aki" || claimed_format == "ari";
  if (boot_file && verdict.failed_checks == std::vector{Check::kMbr}) return OkStatus();
  if (verdict.Failed(Check::kFormatMismatch)) {
    return Error(Code::kInvalidArgument, reason::kImageFormatMismatch,
                 "the image is not of the format it is registered with",
                 {{"claimed", std::string(claimed_format)}, {"detected", verdict.detected_format}});
  }
  const Check first = verdict.failed_checks.front();
  return Error(Code::kInvalidArgument, reason::kImageUnsafe,
               std::string("the image is refused: ") + std::string(CheckMeaning(first)),
               {{"check", std::string(CheckName(first))}});
}

}  // namespace kilonova::agent::adapters::images
