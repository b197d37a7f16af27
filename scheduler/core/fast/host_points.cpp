// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/host_points.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scheduler/core/scoring.h"

namespace kilonova::scheduler::core::fast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const PlacementRequest& NoRequest() {
  static const auto* const request = new PlacementRequest();
  return *request;
}

}  // namespace

HostPoints::HostPoints(const Pipeline& pipeline)
    : pipeline_(pipeline), parts_(kFlagsPart | kAggregatesPart | kTraitsPart) {  // Placement's
  for (const auto& filter : pipeline.filters) {
    const HostParts parts = filter->Reads();
    if ((parts & kAnyPart) == 0) parts_ |= parts;
  }
  for (const auto& weigher : pipeline.weighers) {
    Source source;
    source.alone = weigher->Scope(NoRequest()) == WeigherScope::kHostAlone;
    sources_.push_back(source);
    bounds_.push_back(
        {weigher->Minimum().value_or(-kInfinity), weigher->Maximum().value_or(kInfinity)});
  }
}

bool HostPoints::Counts(std::size_t weigher) const {
  return std::ranges::any_of(
      multipliers_, [weigher](const auto& by_weigher) { return by_weigher[weigher] != 0; });
}

double HostPoints::RawOf(const Fleet& fleet, std::size_t weigher, HostIndex host) const {
  double raw = 0;
  pipeline_.weighers[weigher]->Weigh(fleet, NoRequest(), {&host, 1}, {&raw, 1});
  Clamp(weigher, {&raw, 1});
  return raw;
}

void HostPoints::Clamp(std::size_t weigher, std::span<double> raw) const {
  const auto [minimum, maximum] = bounds_[weigher];
  for (double& value : raw) {
    value = minimum > value ? minimum : value;
    value = maximum < value ? maximum : value;
  }
}

std::optional<HostIndex> HostPoints::AnyHost(BoxForest::Tree tree) const {
  const auto group = forest_->Node(forest_->Group(tree / kChildren));
  const BoxForest::Ref root = group.child[tree % kChildren];
  if (root == BoxForest::kNil) return std::nullopt;
  return group.first[tree % kChildren];
}

std::uint32_t HostPoints::MultipliersOf(const Fleet& fleet, std::uint32_t aggregates) {
  if (aggregates_version_ != fleet.aggregate_lists.Version()) {
    aggregates_version_ = fleet.aggregate_lists.Version();
    multipliers_of_aggregates_.assign(fleet.aggregate_lists.Size(), UINT32_MAX);
  }
  std::uint32_t& id = multipliers_of_aggregates_[aggregates];
  if (id != UINT32_MAX) return id;
  std::vector<double> all;
  for (const auto& weigher : pipeline_.weighers) {
    all.push_back(MultiplierFor(fleet.aggregate_lists[aggregates], *weigher));
    if (!std::isfinite(all.back())) unfit_ = true;
  }
  const auto [at, added] =
      multipliers_ids_.try_emplace(all, static_cast<std::uint32_t>(multipliers_.size()));
  if (added) {
    multipliers_.push_back(std::move(all));
    slopes_.emplace_back();
    AddSlopes(at->second);
  }
  id = at->second;
  return id;
}

HostPoints::Signature HostPoints::SignatureOf(const Fleet& fleet, HostIndex host) {
  const HostRecord& record = fleet.Record(host);
  Signature s;
  s.cell = fleet.cell[host];
  if ((parts_ & kFlagsPart) != 0) s.flags = fleet.flags[host];
  if ((parts_ & kZonesPart) != 0) s.zones = fleet.zones[host];
  if ((parts_ & kAggregatesPart) != 0) s.aggregates = fleet.aggregates[host];
  if ((parts_ & kTraitsPart) != 0) s.traits = record.traits;
  if ((parts_ & kHypervisorPart) != 0) {
    s.supported = fleet.supported[host];
    s.hypervisor_type = record.hypervisor_type;
    s.hypervisor_version = record.hypervisor_version;
  }
  s.multipliers = MultipliersOf(fleet, fleet.aggregates[host]);
  return s;
}

// A class outlives its hosts, and its ids must not come to mean something else meanwhile.
void HostPoints::HoldIds(Fleet& fleet, const Signature& signature, bool hold) const {
  const auto apply = [hold](auto& pool, std::uint32_t id) {
    if (hold) {
      pool.Hold(id);
    } else {
      pool.Release(id);
    }
  };
  apply(fleet.texts, signature.cell);
  if ((parts_ & kZonesPart) != 0) apply(fleet.zone_sets, signature.zones);
  if ((parts_ & kAggregatesPart) != 0) apply(fleet.aggregate_lists, signature.aggregates);
  if ((parts_ & kTraitsPart) != 0) apply(fleet.trait_lists, signature.traits);
  if ((parts_ & kHypervisorPart) != 0) {
    apply(fleet.supported_lists, signature.supported);
    apply(fleet.texts, signature.hypervisor_type);
  }
}

BoxForest::Tree HostPoints::TreeFor(Fleet& fleet, const Signature& signature) {
  const auto [at, added] = by_signature_.try_emplace(signature, kNoTree);
  if (added) {
    at->second = forest_->AddTree();
    trees_.push_back({signature, 0});
    HoldIds(fleet, signature, true);
    if (trees_.size() > kMostTrees) unfit_ = true;
  }
  return at->second;
}

// The bits of all values, the highest of each first, so that points near each other in every value
// have keys near each other.
std::uint64_t HostPoints::KeyOf(std::span<const double> values) const {
  const std::size_t rows = std::min<std::size_t>(Rows(), kMostKeyRows);
  const double most = static_cast<double>((1U << key_bits_) - 1);
  std::uint64_t key = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const double part = (values[row] - base_[row]) * scale_[row];
    const auto bits = static_cast<std::uint32_t>(part > 0 ? std::min(part, most) : 0.0);
    // Bit i of a row goes to bit i * rows + its place among the rows.
    std::uint64_t spread = spread_[bits & 0xffU];
    if (key_bits_ > 8) spread |= spread_[bits >> 8U] << (8 * rows);
    key |= spread << (rows - 1 - row);
  }
  return key;
}

void HostPoints::ChooseRows(const std::vector<std::vector<double>>& raw) {
  weigher_of_row_.clear();
  base_.clear();
  scale_.clear();
  spans_.clear();
  std::vector<double> spans;
  for (std::size_t w = 0; w < sources_.size(); ++w) {
    sources_[w].row.reset();
    if (!sources_[w].alone || raw[w].empty()) continue;
    const auto [low, high] = std::ranges::minmax(raw[w]);
    sources_[w].constant = low;
    if (low == high) continue;
    sources_[w].row = weigher_of_row_.size();
    weigher_of_row_.push_back(w);
    base_.push_back(low);
    spans.push_back(high - low);
    const double bottom = pipeline_.weighers[w]->Minimum().value_or(low);
    spans_.push_back(pipeline_.weighers[w]->Maximum().value_or(high) - bottom);
  }
  for (std::uint32_t id = 0; id < multipliers_.size(); ++id) AddSlopes(id);
  const std::size_t rows = std::clamp<std::size_t>(spans.size(), 1, kMostKeyRows);
  key_bits_ = static_cast<std::uint32_t>(std::min<std::size_t>(16, 64 / rows));
  for (std::uint32_t byte = 0; byte < spread_.size(); ++byte) {
    spread_[byte] = 0;
    for (std::uint32_t bit = 0; bit < 8 && bit * rows < 64; ++bit) {
      spread_[byte] |= static_cast<std::uint64_t>(byte >> bit & 1U) << (bit * rows);
    }
  }
  for (const double span : spans) {
    scale_.push_back(std::isfinite(span) ? static_cast<double>(1U << key_bits_) / span : 0.0);
  }
}

void HostPoints::AddSlopes(std::uint32_t multipliers) {
  std::vector<double>& slopes = slopes_[multipliers];
  slopes.clear();
  for (std::size_t row = 0; row < Rows(); ++row) {
    const double slope = multipliers_[multipliers][weigher_of_row_[row]] / spans_[row];
    slopes.push_back(std::isfinite(slope) ? slope : 0.0);
  }
}

double HostPoints::ReferenceOf(std::span<const double> values, std::uint32_t multipliers) const {
  const std::vector<double>& slopes = slopes_[multipliers];
  double sum = 0;
  for (std::size_t row = 0; row < slopes.size(); ++row) {
    sum += slopes[row] * (values[row] - base_[row]);
  }
  return sum;
}

void HostPoints::Rebuild(Fleet& fleet) {
  rebuild_ = false;
  unfit_ = false;
  moves_ = 0;
  ++generation_;
  ++version_;
  if (observer_ != nullptr) observer_->Cleared();
  for (const auto& tree : trees_) HoldIds(fleet, tree.signature, false);
  trees_.clear();
  by_signature_.clear();
  fleet_classes_ = fleet.Classes();
  rooms_ = std::min(fleet_classes_ - 1, kMostRooms);
  std::vector<HostIndex> hosts;
  for (HostIndex host = 0; host < fleet.Slots(); ++host) {
    if (!fleet.Present(host)) continue;
    hosts.push_back(host);
    hardware_rooms_.Learn(fleet.Record(host).hardware.get());
  }
  std::vector<std::vector<double>> raw(sources_.size());
  for (std::size_t w = 0; w < sources_.size(); ++w) {
    if (!sources_[w].alone) continue;
    raw[w].resize(hosts.size());
    pipeline_.weighers[w]->Weigh(fleet, NoRequest(), hosts, raw[w]);
    Clamp(w, raw[w]);
    unfit_ |= !std::ranges::all_of(raw[w], [](double value) { return std::isfinite(value); });
  }
  ChooseRows(raw);
  const std::size_t rows = weigher_of_row_.empty() ? 0 : weigher_of_row_.size() + 1;
  const std::size_t room_rows = rooms_ + hardware_rooms_.Rows();
  forest_.emplace(rows, room_rows);
  tree_of_.assign(fleet.Slots(), kNoTree);
  log_begin_ += log_.size() + 1;
  log_.clear();
  known_.clear();
  may_.clear();
  if (answers_) StartAnswers();
  std::vector<double> values(hosts.size() * rows);
  std::vector<std::int32_t> rooms(hosts.size() * room_rows);
  std::vector<std::vector<Point>> points;
  for (std::size_t i = 0; i < hosts.size() && !unfit_; ++i) {
    const HostIndex host = hosts[i];
    const std::span<std::int32_t> rooms_of_host(rooms.data() + i * room_rows, room_rows);
    Point point{host, 0, {values.data() + i * rows, rows}, rooms_of_host};
    for (std::size_t row = 0; row + 1 < rows; ++row) {
      values[i * rows + row] = raw[weigher_of_row_[row]][i];
    }
    const Signature signature = SignatureOf(fleet, host);
    if (rows > 0) {
      values[i * rows + rows - 1] =
          ReferenceOf(point.values.first(rows - 1), signature.multipliers);
    }
    ReadRooms(fleet, host, rooms_of_host);
    point.key = KeyOf(point.values);
    const BoxForest::Tree tree = TreeFor(fleet, signature);
    tree_of_[host] = tree;
    ++trees_[tree].hosts;
    if (points.size() <= tree) points.resize(tree + 1);
    points[tree].push_back(point);
  }
  for (BoxForest::Tree tree = 0; tree < points.size() && !unfit_; ++tree) {
    forest_->Fill(tree, points[tree]);
  }
}

// ---- answers

void HostPoints::StartAnswers() {
  answers_ = true;
  known_.resize(tree_of_.size(), 0);
  may_.resize(tree_of_.size(), ~0ULL);
  forest_->StartMarks();
}

void HostPoints::Answer(HostIndex host, std::uint64_t bit, bool yes) {
  known_[host] |= bit;
  if (yes) return;
  may_[host] &= ~bit;
  forest_->SetMarks(host, may_[host]);
}

void HostPoints::ForgetAnswers(std::uint64_t bits) {
  for (std::uint64_t& known : known_) known &= ~bits;
  for (std::uint64_t& may : may_) may |= bits;
  if (answers_) forest_->AddMarks(bits);
}

std::optional<std::span<const HostIndex>> HostPoints::ChangedSince(std::uint64_t from) const {
  if (from < log_begin_) return std::nullopt;
  return std::span(log_).subspan(from - log_begin_);
}

void HostPoints::NoteChange(HostIndex host) {
  if (!answers_) return;
  known_[host] = 0;
  may_[host] = ~0ULL;
  log_.push_back(host);
  if (log_.size() <= 2 * tree_of_.size() + 1024) return;
  const std::size_t gone = log_.size() / 2;
  log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(gone));
  log_begin_ += gone;
}

// ---- in step with the fleet

void HostPoints::Drop(HostIndex host) {
  if (tree_of_[host] == kNoTree) return;
  if (observer_ != nullptr) observer_->Gone(host);
  forest_->Remove(host);
  --trees_[tree_of_[host]].hosts;
  tree_of_[host] = kNoTree;
}

void HostPoints::ReadRooms(const Fleet& fleet, HostIndex host,
                           std::span<std::int32_t> rooms) const {
  for (std::uint32_t r = 0; r < rooms_; ++r) rooms[r] = fleet.Class(r + 1).units[host].room;
  const auto of_hardware = rooms.subspan(rooms_);
  if (!of_hardware.empty()) hardware_rooms_.Read(fleet.Record(host).hardware.get(), of_hardware);
}

void HostPoints::Place(Fleet& fleet, HostIndex host) {
  values_.clear();
  for (std::size_t w = 0; w < sources_.size(); ++w) {
    if (!sources_[w].alone) continue;
    const double raw = RawOf(fleet, w, host);
    if (sources_[w].row) {
      values_.push_back(raw);  // rows are in the order of weighers
      rebuild_ |= !std::isfinite(raw);
    } else {
      rebuild_ |= raw != sources_[w].constant;
    }
  }
  // Records are far from what claims change: not looked at for nothing.
  if (hardware_rooms_.Any() || fleet.ChangedWholly(host)) {
    rebuild_ |= hardware_rooms_.Learn(fleet.Record(host).hardware.get());
  }
  // Claims change a host's numbers, not its class.
  const bool same_class = tree_of_[host] != kNoTree && !fleet.ChangedWholly(host);
  const Signature signature =
      same_class ? trees_[tree_of_[host]].signature : SignatureOf(fleet, host);
  if (rebuild_ || unfit_) {
    rebuild_ = true;
    return;
  }
  if (!values_.empty()) values_.push_back(ReferenceOf(values_, signature.multipliers));
  const auto rooms = std::span(room_).first(forest_->Rooms());
  ReadRooms(fleet, host, rooms);
  const Point point{host, KeyOf(values_), values_, rooms};
  const BoxForest::Tree tree = same_class ? tree_of_[host] : TreeFor(fleet, signature);
  if (tree_of_[host] == tree && forest_->Contains(host)) {
    forest_->Update(tree, point);
    if (observer_ != nullptr) observer_->Moved(host, tree, point.values, point.rooms);
    return;
  }
  if (tree_of_[host] != tree) {
    Drop(host);
    tree_of_[host] = tree;
    if (trees_[tree].hosts++ == 0) ++version_;
  }
  forest_->Insert(tree, point);
  if (observer_ != nullptr) observer_->Moved(host, tree, point.values, point.rooms);
}

bool HostPoints::Sync(Fleet& fleet) {
  const auto& changed = fleet.Changed();
  // What makes a fleet unfit rarely goes away: look again now and then.
  if (unfit_ && ++unfit_looks_ % 1024 != 0) return false;
  moves_ += changed.size();
  // A rebuild costs about what as many moves cost, and fits keys and rows to what hosts are now.
  if (changed.size() > fleet.Count() / 4 + 64 || fleet.Classes() != fleet_classes_ ||
      moves_ > 8 * fleet.Count() + 100'000 || unfit_) {
    if (!changed.empty()) rebuild_ = true;
  }
  if (tree_of_.size() < fleet.Slots()) tree_of_.resize(fleet.Slots(), kNoTree);
  if (answers_) StartAnswers();
  for (const HostIndex host : changed) {
    if (rebuild_) break;
    NoteChange(host);
    if (fleet.Present(host)) {
      Place(fleet, host);
    } else {
      Drop(host);
    }
  }
  fleet.ClearChanged();
  if (rebuild_) Rebuild(fleet);
  return !unfit_;
}

std::size_t HostPoints::MemoryBytes() const {
  return tree_of_.capacity() * sizeof(tree_of_[0]) +
         (known_.capacity() + may_.capacity()) * sizeof(std::uint64_t) +
         (forest_ ? forest_->MemoryBytes() : 0);
}

}  // namespace kilonova::scheduler::core::fast
