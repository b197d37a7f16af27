// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/load_queue.h"

#include <algorithm>
#include <memory>

namespace kilonova::scheduler::adapters {
namespace {

constexpr int kBatches = 8;

}  // namespace

std::string_view LoadBatch::Keep(std::string_view text) {
  if (text.empty()) return {};
  auto* const at = static_cast<char*>(kept_.allocate(text.size(), 1));
  std::ranges::copy(text, at);
  return {at, text.size()};
}

std::span<const core::PortRow> LoadBatch::Keep(std::span<const core::PortRow> ports) {
  if (ports.empty()) return {};
  auto* const at =
      static_cast<core::PortRow*>(kept_.allocate(ports.size_bytes(), alignof(core::PortRow)));
  std::uninitialized_copy(ports.begin(), ports.end(), at);
  return {at, ports.size()};
}

Status LoadBatch::HandTo(core::LoadVisitor& to) {
  if (begin) RETURN_IF_ERROR(to.Begin(*std::move(begin)));
  for (auto& [row, kind] : hosts) RETURN_IF_ERROR(to.Host(std::move(row), kind));
  if (!live.empty()) RETURN_IF_ERROR(to.Live(live));
  for (const auto& [network, address] : addresses) RETURN_IF_ERROR(to.Address(network, address));
  for (const auto& [id, created_at] : requests) RETURN_IF_ERROR(to.Request(id, created_at));
  return OkStatus();
}

void LoadBatch::Clear() {
  begin.reset();
  hosts.clear();
  live.clear();
  addresses.clear();
  requests.clear();
  hardware.clear();
  kept_.release();
}

LoadQueue::LoadQueue() {
  for (int i = 0; i < kBatches; ++i) empty_.push_back(std::make_unique<LoadBatch>());
}

std::unique_ptr<LoadBatch> LoadQueue::Empty() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &LoadQueue::HasEmpty));
  if (cancelled_) return nullptr;
  std::unique_ptr<LoadBatch> batch = std::move(empty_.back());
  empty_.pop_back();
  return batch;
}

void LoadQueue::Fill(std::unique_ptr<LoadBatch> batch) {
  absl::MutexLock lock(&mutex_);
  filled_.push_back(std::move(batch));
}

void LoadQueue::End(Status status) {
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  status_ = std::move(status);
}

std::unique_ptr<LoadBatch> LoadQueue::Take() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &LoadQueue::HasFilled));
  if (filled_.empty()) return nullptr;
  std::unique_ptr<LoadBatch> batch = std::move(filled_.front());
  filled_.pop_front();
  return batch;
}

void LoadQueue::GiveBack(std::unique_ptr<LoadBatch> batch) {
  batch->Clear();
  absl::MutexLock lock(&mutex_);
  empty_.push_back(std::move(batch));
}

void LoadQueue::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
}

Status LoadQueue::status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

}  // namespace kilonova::scheduler::adapters
