// SPDX-License-Identifier: Apache-2.0
// Page sizes, locking and encryption of the guest's memory, and persistent memory.
#include <algorithm>
#include <cmath>
#include <string>

#include "common/base/python_text.h"
#include "common/hardware/needs_text.h"

namespace kilonova::hardware {
namespace {

constexpr std::string_view kPageSize = "hw:mem_page_size";
constexpr std::string_view kLocked = "hw:locked_memory";
constexpr std::string_view kEncryption = "hw:mem_encryption";

bool Take(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// oslo's string_to_bytes for IEC units: "2MB", "1GiB", "512Kbit". A unit is a must.
std::optional<double> BytesFrom(std::string_view text) {
  Take(text, "\n");  // a regular expression's $ stops before one
  double divisor = 1;
  if (Take(text, "bit") || Take(text, "b")) {
    divisor = 8;
  } else if (!Take(text, "B")) {
    return std::nullopt;
  }
  const std::string_view with_prefix = text;
  const bool binary = Take(text, "i");
  double factor = 1;
  constexpr std::string_view kPrefixes = "KMGT";
  const auto prefix = text.empty() ? std::string_view::npos : kPrefixes.find(text.back());
  if (prefix != std::string_view::npos) {
    text.remove_suffix(1);
    factor = std::pow(1024.0, static_cast<double>(prefix) + 1);
  } else if (binary) {
    text = with_prefix;  // an i without a prefix is no unit, nor part of a number
  }
  std::string_view digits = text;
  if (!digits.empty() && (digits.front() == '+' || digits.front() == '-')) digits.remove_prefix(1);
  const auto point = digits.find('.');
  const std::string_view whole = digits.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : digits.substr(point + 1);
  const bool fits = point == std::string_view::npos
                        ? PyIsDigit(whole)
                        : (whole.empty() || PyIsDigit(whole)) && PyIsDigit(fraction);
  if (!fits) return std::nullopt;
  return PyFloat(text).value_or(0) / divisor * factor;
}

// In KiB, or a wish; a size in bytes may leave a fraction.
Expected<double> ReadPageSize(std::string_view text,
                              Status (*refused)(std::string_view nova_exception)) {
  if (text == "any") return kPagesAny;
  if (text == "large") return kPagesLarge;
  if (text == "small") return kPagesSmall;
  if (PyIsDigit(text)) return static_cast<double>(PyInt(text).value_or(0));
  const auto bytes = BytesFrom(text);
  if (!bytes) return refused("MemoryPageSizeInvalid");
  if (std::isinf(*bytes)) return refused("OverflowError");
  return std::ceil(*bytes) / 1024;
}

Status FlavorPageSizeRefused(std::string_view nova_exception) {
  return FlavorRefused(nova_exception, kPageSize,
                       "the page size is no size, nor small, large or any");
}

Status ImagePageSizeRefused(std::string_view nova_exception) {
  return ImageRefused(nova_exception, "properties.hw_mem_page_size",
                      "the page size is no size, nor small, large or any");
}

Status PageSizeForbidden() {
  return ImageRefused("MemoryPageSizeForbidden", "properties.hw_mem_page_size",
                      "the image asks for a page size that its flavor does not leave open");
}

}  // namespace

Expected<std::optional<double>> RawPageSize(const GuestNeeds& needs) {
  const auto flavor = FlavorWord(needs, kPageSize);
  const auto image = ImageWord(needs, "hw_mem_page_size");
  if (!flavor && image) return PageSizeForbidden();
  if (!flavor) return std::nullopt;
  ASSIGN_OR_RETURN(const double size, ReadPageSize(*flavor, FlavorPageSizeRefused));
  if (!image) return size;
  if (size != kPagesAny && size != kPagesLarge) return PageSizeForbidden();
  ASSIGN_OR_RETURN(const double of_image, ReadPageSize(*image, ImagePageSizeRefused));
  return of_image;
}

Expected<std::optional<std::int64_t>> PageSizeConstraint(const GuestNeeds& needs) {
  constexpr double kMost = 9.2e18;  // beyond every page, within the integer
  ASSIGN_OR_RETURN(const auto size, RawPageSize(needs));
  if (!size) return std::nullopt;
  return static_cast<std::int64_t>(std::clamp(*size, -kMost, kMost));
}

Expected<std::optional<bool>> LockedMemoryConstraint(const GuestNeeds& needs) {
  const auto image = needs.image.Flag("hw_locked_memory");
  std::optional<bool> locked = image;
  if (const auto text = FlavorText(needs, kLocked)) {
    locked = PyBool(*text);
    if (image && *image != *locked) {
      return ImageRefused("FlavorImageLockedMemoryConflict", "properties.hw_locked_memory",
                          "the image's locked memory is not its flavor's");
    }
  }
  if (locked.value_or(false) && !FlavorWord(needs, kPageSize) &&
      !ImageWord(needs, "hw_mem_page_size")) {
    return FlavorRefused("LockMemoryForbidden", kLocked,
                         "locked memory needs a page size, hw:mem_page_size");
  }
  return locked;
}

Expected<bool> MemEncryptionConstraint(const GuestNeeds& needs,
                                       std::optional<std::string_view> machine_type) {
  const auto text = FlavorText(needs, kEncryption);
  const auto image = needs.image.Flag("hw_mem_encryption");
  std::optional<bool> flavor;
  if (text) flavor = PyBool(*text);
  if (!flavor.value_or(false) && !image.value_or(false)) return false;
  if (flavor && image && *flavor != *image) {
    return FlavorImageConflict(kEncryption, "hw_mem_encryption");
  }
  if (image.value_or(false) && !needs.image_has_id) {
    return ImageRefused("NotImplementedError", "id", "an image without an id asks for encryption");
  }
  if (needs.image.Text("hw_firmware_type") != "uefi") {
    return ImageRefused("FlavorImageConflict", "properties.hw_firmware_type",
                        "memory encryption needs an image with UEFI firmware");
  }
  if (!machine_type || machine_type->empty()) machine_type = needs.image.Text("hw_machine_type");
  if (machine_type && machine_type->find("q35") == std::string_view::npos) {
    // Nova puts the image's id into this refusal.
    return ImageRefused(needs.image_has_id ? "InvalidMachineType" : "NotImplementedError",
                        "properties.hw_machine_type", "memory encryption needs a q35 machine type");
  }
  return true;
}

std::vector<std::string> Vpmems(const GuestNeeds& needs) {
  std::vector<std::string> labels;
  for (std::string_view label : PySplitComma(FlavorText(needs, "hw:pmem").value_or(""))) {
    label = PyStrip(label);
    if (!label.empty()) labels.emplace_back(label);
  }
  return labels;
}

}  // namespace kilonova::hardware
