// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/policy.h"

namespace kilonova::agent::adapters::images {

Expected<std::string> ServedAs(std::string_view claimed_format,
                               const std::set<std::string>& served) {
  const bool raw = claimed_format == format::kRaw || claimed_format == "ami" ||
                   claimed_format == "aki" || claimed_format == "ari";
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
