// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <span>

namespace kilonova::scheduler::replay {
namespace {

constexpr double kMinute = 1.0 / 1440;  // of a day
constexpr double kBin = 5 * kMinute;
// VMs that run when the trace begins, for each one that arrives in 14 days.
constexpr double kRunningPerArrival = 70'372.0 / 429'182.0;
constexpr double kRunningForEver = 0.58;  // of those: never end within 90 days

struct Point {
  double value, cumulated;  // share of 100 at most `value`
};

// Minutes.
using LifetimeCurve = std::array<Point, 18>;
constexpr LifetimeCurve kLifetime{{{0.5, 0},
                                   {5, 13.1},
                                   {10, 23.5},
                                   {15, 35.5},
                                   {30, 47.6},
                                   {60, 60.3},
                                   {120, 72.9},
                                   {240, 80.5},
                                   {480, 85.3},
                                   {720, 88.3},
                                   {1440, 92.4},
                                   {2880, 96.9},
                                   {4320, 97.4},
                                   {10080, 98.1},
                                   {20160, 98.7},
                                   {43200, 99.0},
                                   {129600, 99.3},
                                   {1e9, 100}}};
constexpr std::array<Point, 15> kBatch{{{1, 57.2},
                                        {2, 75.2},
                                        {3, 81.7},
                                        {4, 85.8},
                                        {5, 88.2},
                                        {8, 92.0},
                                        {10, 93.6},
                                        {15, 96.0},
                                        {20, 97.0},
                                        {30, 98.1},
                                        {50, 99.1},
                                        {100, 99.6},
                                        {200, 99.8},
                                        {400, 99.95},
                                        {800, 100}}};
constexpr double kMeanBatch = 4.13;

constexpr double kLowPriority = 0.122;
// Of the shares at most so old those of low priority: an hour, a day, a week, any age.
constexpr std::array<Point, 5> kLowOfAll{
    {{0, 0}, {60.3, 47.0}, {92.4, 72.5}, {98.1, 98.4}, {100, 100}}};

double LowOf(double all) {
  for (std::size_t i = 1; i < kLowOfAll.size(); ++i) {
    const Point& from = kLowOfAll[i - 1];
    const Point& to = kLowOfAll[i];
    if (all > to.value) continue;
    return from.cumulated +
           (all - from.value) / (to.value - from.value) * (to.cumulated - from.cumulated);
  }
  return 100;
}

// The lifetimes of one priority; both together are all.
LifetimeCurve LifetimesOf(bool low) {
  LifetimeCurve curve = kLifetime;
  for (Point& point : curve) {
    const double of_low = LowOf(point.cumulated);
    point.cumulated = low ? of_low : (point.cumulated - kLowPriority * of_low) / (1 - kLowPriority);
  }
  return curve;
}

constexpr std::array<double, 24> kHour{.86,  .77,  .75,  .73,  .80,  .94,  .95,  .88,
                                       .95,  1.07, 1.10, 1.10, 1.04, 1.12, 1.37, 1.33,
                                       1.15, 1.10, 1.17, 1.11, 1.03, .91,  .87,  .92};

struct Size {
  double weight;
  std::int64_t centicores, memory_mb;
};
// Of VMs that arrive: the published pairs, and fillers that bring each class of cores and each
// ratio of memory to cores to its share.
constexpr std::array<Size, 28> kArriving{
    {{18.7, 200, 7'168},  {16.4, 100, 3'584},  {11.0, 400, 14'336},   {8.7, 800, 28'672},
     {8.3, 100, 8'192},   {4.9, 200, 16'384},  {3.2, 800, 16'384},    {2.6, 1600, 32'768},
     {1.9, 800, 65'536},  {1.6, 80, 4'096},    {1.5, 100, 4'096},     {1.4, 1600, 57'344},
     {1.4, 800, 57'344},  {1.4, 400, 32'768},  {1.0, 1600, 114'688},  {1.5, 100, 2'048},
     {1.3, 100, 1'792},   {1.1, 200, 32'768},  {0.8, 200, 14'336},    {1.1, 400, 65'536},
     {0.8, 400, 28'672},  {0.7, 400, 7'168},   {0.6, 800, 32'768},    {0.2, 800, 14'336},
     {0.4, 2400, 86'016}, {0.2, 1600, 28'672}, {0.18, 6400, 262'144}, {7.1, 42, 1'792}}};
// Of those that run when the trace begins: the published share of each class of cores, 5.2 cores
// and 7.8 GB per core on average.
constexpr std::array<Size, 14> kRunning{{{7.0, 42, 1'792},
                                         {6.0, 80, 4'096},
                                         {13.0, 100, 3'584},
                                         {11.5, 100, 8'192},
                                         {10.0, 200, 7'168},
                                         {12.4, 200, 16'384},
                                         {8.0, 400, 14'336},
                                         {9.7, 400, 32'768},
                                         {5.0, 800, 28'672},
                                         {6.0, 800, 65'536},
                                         {1.7, 1600, 57'344},
                                         {6.0, 1600, 131'072},
                                         {1.8, 3200, 393'216},
                                         {1.9, 4800, 458'752}}};

std::discrete_distribution<std::size_t> Among(std::span<const Size> sizes) {
  std::vector<double> weights;
  for (const Size& size : sizes) weights.push_back(size.weight);
  return {weights.begin(), weights.end()};
}

// Between two points of a distribution, even in the logarithm of the value.
double Draw(std::span<const Point> points, double at) {
  const double share = at * 100;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (share > points[i].cumulated) continue;
    if (i == 0) return points[0].value;
    const double low = std::log(points[i - 1].value);
    const double high = std::log(points[i].value);
    const double part =
        (share - points[i - 1].cumulated) / (points[i].cumulated - points[i - 1].cumulated);
    return std::exp(low + part * (high - low));
  }
  return points.back().value;
}

class Generator {
 public:
  explicit Generator(const WorkloadOptions& options)
      : options_(options),
        random_(options.seed),
        arriving_(Among(kArriving)),
        running_(Among(kRunning)) {}

  std::vector<TraceVm> Run() {
    AddRunning();
    AddArrivals();
    std::ranges::stable_sort(vms_, {}, &TraceVm::start);
    for (std::size_t i = 0; i < vms_.size(); ++i) vms_[i].id = static_cast<std::int64_t>(i + 1);
    return std::move(vms_);
  }

 private:
  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  void Add(const Size& size, std::int64_t tenant, bool low, double start, double end) {
    vms_.push_back({0, tenant, size.centicores, size.memory_mb, low, start, end});
  }

  // What is left of a life that is met at a random moment: long lives are met more often.
  void AddRunning() {
    const auto count = std::llround(static_cast<double>(options_.arrivals) * kRunningPerArrival *
                                    14 / std::max(options_.days, 1.0));
    for (std::int64_t i = 0; i < count; ++i) {
      const Size& size = kRunning[running_(random_)];
      const double age = std::exp(Uniform() * std::log(400.0));  // days, 1 to 400
      const double end = Uniform() < kRunningForEver ? kNever : age * std::exp(-3 * Uniform());
      Add(size, NewTenant(), false, -age, end);
    }
  }

  // A tenant's batch comes at one time, of one size; and bins are bursty: their rates vary so that
  // variance is some eighty times the mean.
  void AddArrivals() {
    const double bins = std::max(1.0, options_.days / kBin);
    const double batches_a_bin = static_cast<double>(options_.arrivals) / bins / kMeanBatch;
    std::gamma_distribution<double> burst(kBurstShape, 1 / kBurstShape);
    for (double at = 0; at < options_.days; at += kBin) {
      const auto hour = static_cast<std::size_t>(at * 24) % 24;
      const double rate = batches_a_bin * kHour[hour] * burst(random_);
      const std::int64_t batches = std::poisson_distribution<std::int64_t>(rate)(random_);
      for (std::int64_t i = 0; i < batches; ++i) AddBatch(at + Uniform() * kBin);
    }
  }

  void AddBatch(double at) {
    const Size& size = kArriving[arriving_(random_)];
    const std::int64_t tenant = NewTenant();
    const bool low = Uniform() < kLowPriority;
    const auto count = static_cast<std::int64_t>(std::ceil(Draw(kBatch, Uniform()) - 1e-9));
    const LifetimeCurve& lifetimes = low ? low_ : high_;
    const double common = Draw(lifetimes, Uniform());
    for (std::int64_t i = 0; i < count; ++i) {
      // Half of a batch's VMs live and die together.
      const double minutes = Uniform() < 0.5 ? common : Draw(lifetimes, Uniform());
      const double end = at + minutes * kMinute;
      Add(size, tenant, low, at, minutes > kLongest ? kNever : end);
    }
  }

  std::int64_t NewTenant() { return ++tenants_; }

  static constexpr double kBurstShape = 4;
  static constexpr double kLongest = 129'600;  // minutes; what lives longer outlives the trace
  WorkloadOptions options_;
  std::mt19937_64 random_;
  std::discrete_distribution<std::size_t> arriving_, running_;
  const LifetimeCurve low_ = LifetimesOf(true), high_ = LifetimesOf(false);
  std::vector<TraceVm> vms_;
  std::int64_t tenants_ = 0;
};

}  // namespace

Expected<std::vector<TraceVm>> GenerateWorkload(const WorkloadOptions& options) {
  if (!(options.days > 0 && options.days <= 365)) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "days must be more than 0 and at most 365", {{"field", "days"}});
  }
  if (options.arrivals < 1 || options.arrivals > 50'000'000) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "arrivals must be from 1 to 50000000", {{"field", "arrivals"}});
  }
  return Generator(options).Run();
}

}  // namespace kilonova::scheduler::replay
