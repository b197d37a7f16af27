// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/inspector/inspector.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>

#include "agent/adapters/images/inspector/evidence.h"
#include "agent/adapters/images/inspector/signatures.h"
#include "agent/adapters/images/inspector/vhdx.h"

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::uint64_t kFirstStop = 512;  // every signature but ISO's and a text's lies before
constexpr std::uint64_t kVmdkText = 512;
constexpr std::size_t kVmdkTail = 1536;
constexpr std::array<std::string_view, 13> kClaims{
    format::kRaw, format::kQcow2, format::kVmdk, format::kVhd,  format::kVhdx,
    format::kVdi, format::kIso,   format::kGpt,  format::kLuks, format::kQed,
    "ami",        "aki",          "ari"};

// The format whose rules the claimed one stands for.
std::string_view ClaimMeans(std::string_view claim) {
  return claim == "ami" || claim == "aki" || claim == "ari" ? format::kRaw : claim;
}

bool ClaimHolds(std::string_view claim, std::string_view detected) {
  const std::string_view meant = ClaimMeans(claim);
  return meant == detected || (meant == format::kRaw && detected == format::kGpt);
}

void JudgeFormat(std::string_view detected, const Evidence& e, Findings& findings) {
  if (detected == format::kQcow2) return JudgeQcow2(e, findings);
  if (detected == format::kVmdk) return JudgeVmdk(e, findings);
  if (detected == format::kVhd) return JudgeVhd(e, findings);
  if (detected == format::kVhdx) return JudgeVhdx(e, findings);
  if (detected == format::kVdi) return JudgeVdi(e, findings);
  if (detected == format::kLuks) return JudgeLuks(e, findings);
  if (detected == format::kIso) return JudgeIso(e, findings);
  if (detected == format::kGpt) return JudgeMbr(e, findings);
  if (detected == format::kRaw) {
    findings.virtual_size = e.length;
    return;
  }
  findings.Fail(Check::kBanned);
}

}  // namespace

std::vector<Check> Findings::List() const {
  std::vector<Check> list;
  for (unsigned i = 0; i < kCheckCount; ++i) {
    if (Has(static_cast<Check>(i))) list.push_back(static_cast<Check>(i));
  }
  return list;
}

// The stream: a head that is always kept, and collectors that are started once the head shows they
// are needed. Pieces are cut at the offsets where something is decided, so that every decision sees
// exactly the bytes before its offset, however they came.
class ImageInspector::Stream {
 public:
  void Feed(std::string_view bytes) {
    if (Idle()) {
      position_ += bytes.size();
      return;
    }
    while (!bytes.empty()) {
      const std::uint64_t room = stop_ - position_;
      const std::string_view piece = bytes.substr(0, room);
      Consume(piece);
      bytes.remove_prefix(piece.size());
      if (position_ == stop_) Decide();
    }
  }

  std::uint64_t LeastVirtualSize() const {
    if (position_ < kFirstStop) return 0;
    const Bytes head(head_);
    if (head.Has(0, kQcow2Magic)) return head.Be64(24);
    if (IsSparseVmdk(head)) return SaturatingMul(head.Le64(12), 512);
    return StartsContainer(head) ? 0 : position_;
  }

  Verdict Finish(std::string_view claim) {
    if (!started_) Start();
    if (descriptor_) descriptor_->Finish();
    const Evidence evidence = Collected();
    Verdict verdict;
    verdict.matches = FindSignatures(evidence.head, create_type_ && create_type_->found());
    Findings findings;
    findings.FailIf(std::find(kClaims.begin(), kClaims.end(), claim) == kClaims.end(),
                    Check::kUnsupportedClaim);
    const std::optional<std::string> detected = ChooseFormat(verdict.matches);
    if (detected) {
      verdict.detected_format = *detected;
      findings.FailIf(!ClaimHolds(claim, *detected), Check::kFormatMismatch);
      JudgeFormat(*detected, evidence, findings);
    } else {
      findings.Fail(Check::kMultipleFormats);
    }
    verdict.failed_checks = findings.List();
    verdict.virtual_size = findings.virtual_size;
    return verdict;
  }

 private:
  // True when no byte still to come can matter but by being one more.
  bool Idle() const {
    return position_ >= kHeadBytes && !tail_ && !vhd_dynamic_ && !vhdx_ &&
           (!create_type_ || create_type_->done()) && (!descriptor_ || descriptor_->done());
  }

  void Consume(std::string_view piece) {
    if (head_.size() < kHeadBytes) head_.append(piece.substr(0, kHeadBytes - head_.size()));
    if (started_) {
      if (create_type_ && !create_type_->done()) create_type_->Feed(piece);
      if (descriptor_ && !descriptor_->done()) descriptor_->Feed(piece);
      if (tail_) tail_->Feed(piece);
      if (vhd_dynamic_) vhd_dynamic_->Feed(position_, piece);
      if (vhdx_) vhdx_->Feed(position_, piece);
    }
    position_ += piece.size();
  }

  void Decide() {
    if (!started_) {
      Start();
    } else if (vhdx_) {
      vhdx_->Advance(head_);
    }
    stop_ = vhdx_ ? vhdx_->stop : std::numeric_limits<std::uint64_t>::max();
  }

  // The head holds the first 512 bytes, or all of a shorter file.
  void Start() {
    started_ = true;
    const Bytes head(head_);
    if (LooksLikeText(head)) {
      create_type_.emplace();
      create_type_->Feed(head_);
    }
    if (IsSparseVmdk(head)) {
      static_assert(kVmdkText == kFirstStop);  // so the descriptor is all to come
      descriptor_.emplace(VmdkDescriptorRegion(head));
      if (VmdkHasFooter(head)) tail_.emplace(kVmdkTail);
    } else if (head.Has(0, kVhdMagic)) {
      vhd_dynamic_.emplace(VhdDynamicOffset(head), 8, head_);
    } else if (head.Has(0, kVhdxMagic)) {
      vhdx_.emplace();
    }
  }

  Evidence Collected() const {
    Evidence e;
    e.head = Bytes(head_);
    e.length = position_;
    if (tail_) e.tail = Bytes(tail_->data());
    if (descriptor_) e.descriptor = &*descriptor_;
    if (vhd_dynamic_) e.vhd_dynamic = Bytes(vhd_dynamic_->data());
    if (vhdx_) e.vhdx = &*vhdx_;
    return e;
  }

  std::uint64_t position_ = 0;
  std::uint64_t stop_ = kFirstStop;
  bool started_ = false;
  std::string head_;
  std::optional<CreateTypeScan> create_type_;
  std::optional<DescriptorScan> descriptor_;
  std::optional<Tail> tail_;
  std::optional<Window> vhd_dynamic_;
  std::optional<VhdxTrail> vhdx_;
};

ImageInspector::ImageInspector() : stream_(std::make_unique<Stream>()) {}
ImageInspector::~ImageInspector() = default;
ImageInspector::ImageInspector(ImageInspector&&) noexcept = default;
ImageInspector& ImageInspector::operator=(ImageInspector&&) noexcept = default;

void ImageInspector::Feed(std::string_view bytes) { stream_->Feed(bytes); }
std::uint64_t ImageInspector::LeastVirtualSize() const { return stream_->LeastVirtualSize(); }
Verdict ImageInspector::Finish(std::string_view claimed_format) {
  return stream_->Finish(claimed_format);
}

}  // namespace kilonova::agent::adapters::images
