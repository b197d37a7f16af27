// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/collect.h"

#include "agent/adapters/images/inspector/bytes.h"

namespace kilonova::agent::adapters::images {
namespace {
constexpr std::string_view kCreateType = "createtype=\"";
constexpr std::uint64_t kTextLimit = (1U << 20) - 1;
}  // namespace

Window::Window(std::uint64_t offset, std::size_t size, std::string_view head)
    : offset_(offset), size_(size) {
  Feed(0, head);
}

void Window::Feed(std::uint64_t position, std::string_view bytes) {
  if (complete()) return;
  const std::uint64_t wanted = SaturatingAdd(offset_, data_.size());
  if (wanted < position || wanted - position >= bytes.size()) return;
  data_.append(bytes.substr(wanted - position, size_ - data_.size()));
}

std::uint64_t Window::end() const { return SaturatingAdd(offset_, size_); }

void Tail::Feed(std::string_view bytes) {
  if (bytes.size() >= size_) {
    data_.assign(bytes.substr(bytes.size() - size_));
    return;
  }
  // Cutting only now and then keeps a byte-wise feed linear.
  if (data_.size() + bytes.size() > 16 * size_) data_.erase(0, data_.size() - size_);
  data_.append(bytes);
}

std::string_view Tail::data() const {
  const std::string_view all = data_;
  return all.size() > size_ ? all.substr(all.size() - size_) : all;
}

TextFinder::TextFinder(std::string_view needle) : needle_(needle) {
  for (std::size_t i = 1, k = 0; i < needle_.size(); ++i) {
    while (k > 0 && needle_[i] != needle_[k]) k = fallback_[k - 1];
    if (needle_[i] == needle_[k]) ++k;
    fallback_[i] = static_cast<std::uint8_t>(k);
  }
}

bool TextFinder::Feed(char c) {
  const char lower = LowerAscii(c);
  while (matched_ > 0 && lower != needle_[matched_]) matched_ = fallback_[matched_ - 1];
  if (lower == needle_[matched_]) ++matched_;
  if (matched_ < needle_.size()) return false;
  matched_ = fallback_[matched_ - 1];
  return true;
}

CreateTypeScan::CreateTypeScan() : finder_(kCreateType) {}

void CreateTypeScan::Feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size() && !done_; ++i) {
    found_ = bytes[i] != '\0' && finder_.Feed(bytes[i]);
    done_ = found_ || bytes[i] == '\0' || ++seen_ == kTextLimit;
  }
}

}  // namespace kilonova::agent::adapters::images
