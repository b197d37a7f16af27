// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/metrics.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace kilonova::runtime {
namespace {

const prometheus::Histogram::BucketBoundaries& Buckets() {
  static const prometheus::Histogram::BucketBoundaries buckets{
      0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100};
  return buckets;
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  absl::Mutex mutex;
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counters ABSL_GUARDED_BY(mutex);
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges ABSL_GUARDED_BY(mutex);
  std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms
      ABSL_GUARDED_BY(mutex);
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::Count(const std::string& name, const Labels& labels, double by) {
  const absl::MutexLock lock(&state_->mutex);
  auto& family = state_->counters[name];
  if (family == nullptr) family = &prometheus::BuildCounter().Name(name).Register(state_->registry);
  family->Add(labels).Increment(by);
}

void Metrics::Set(const std::string& name, double value, const Labels& labels) {
  const absl::MutexLock lock(&state_->mutex);
  auto& family = state_->gauges[name];
  if (family == nullptr) family = &prometheus::BuildGauge().Name(name).Register(state_->registry);
  family->Add(labels).Set(value);
}

void Metrics::Observe(const std::string& name, double seconds, const Labels& labels) {
  const absl::MutexLock lock(&state_->mutex);
  auto& family = state_->histograms[name];
  if (family == nullptr) {
    family = &prometheus::BuildHistogram().Name(name).Register(state_->registry);
  }
  family->Add(labels, Buckets()).Observe(seconds);
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace kilonova::runtime
