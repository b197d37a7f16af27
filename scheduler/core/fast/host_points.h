// SPDX-License-Identifier: Apache-2.0
// Keeps a forest of points in step with the fleet: a tree per class of hosts. Hosts are of one
// class when no filter that judges by class can tell them apart and the weighers' multipliers are
// the same; what changes with every claim is in the points.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/core/fast/box_forest.h"
#include "scheduler/core/fast/hardware_rooms.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core::fast {

// Resource classes with a row of their own; those of a greater id are looked up per host.
inline constexpr std::uint32_t kMostRooms = 8;
// Beyond, hosts differ too much for trees to be worth their memory.
inline constexpr std::size_t kMostTrees = 8192;
// Rows a key is made of.
inline constexpr std::size_t kMostKeyRows = 8;

// Told of points as they move.
class PointObserver {
 public:
  virtual ~PointObserver() = default;
  // One that is in `tree` now, whether or not it was anywhere before. Rows as in the forest.
  virtual void Moved(HostIndex host, BoxForest::Tree tree, std::span<const double> values,
                     std::span<const std::int32_t> rooms) = 0;
  virtual void Gone(HostIndex host) = 0;
  // Nothing known of points, trees or rows holds any more.
  virtual void Cleared() = 0;
};

class HostPoints {
 public:
  explicit HostPoints(const Pipeline& pipeline);
  // Outlives this.
  void Tell(PointObserver& observer) { observer_ = &observer; }

  // Takes in what changed in the fleet. False while the fleet cannot be searched by points: too
  // many classes, or a value or multiplier that is no finite number.
  bool Sync(Fleet& fleet);

  // As of the last Sync.
  HostIndex Slots() const { return static_cast<HostIndex>(tree_of_.size()); }
  BoxForest& forest() { return *forest_; }
  const BoxForest& forest() const { return *forest_; }
  // Changes when trees were numbered anew, and with them everything known by tree.
  std::uint64_t Generation() const { return generation_; }
  // Changes when a tree was added or got its first host.
  std::uint64_t Version() const { return version_; }
  std::optional<HostIndex> AnyHost(BoxForest::Tree tree) const;
  // Those that belong there, in the tree or not.
  std::size_t HostsOf(BoxForest::Tree tree) const { return trees_[tree].hosts; }
  std::uint32_t Cell(BoxForest::Tree tree) const { return trees_[tree].signature.cell; }
  BoxForest::Tree TreeOf(HostIndex host) const { return tree_of_[host]; }
  std::uint32_t MultipliersIdOf(BoxForest::Tree tree) const {
    return trees_[tree].signature.multipliers;
  }
  // By weigher.
  const std::vector<double>& Multipliers(std::uint32_t id) const { return multipliers_[id]; }

  // Rooms are first those of resource classes, by id but for kNoClass, then those of hardware.
  std::size_t ClassRows() const { return rooms_; }
  const HardwareRooms& hardware_rooms() const { return hardware_rooms_; }

  // What is known of hosts one by one: a bit for each of up to 64 questions says whether the answer
  // is known, another whether it may be yes. A host that changes forgets all its answers.
  void StartAnswers();
  bool Known(HostIndex host, std::uint64_t bit) const { return (known_[host] & bit) != 0; }
  bool MayBe(HostIndex host, std::uint64_t bit) const { return (may_[host] & bit) != 0; }
  void Answer(HostIndex host, std::uint64_t bit, bool yes);
  // Nobody asks these questions any more.
  void ForgetAnswers(std::uint64_t bits);
  // Hosts that changed or went since the log was `from` long, as far as is known: nothing when that
  // is too long ago. A host may come more than once.
  std::optional<std::span<const HostIndex>> ChangedSince(std::uint64_t from) const;
  std::uint64_t LogLength() const { return log_begin_ + log_.size(); }

  // False for a weigher no host has a multiplier for.
  bool Counts(std::size_t weigher) const;

  struct Source {
    bool alone = false;              // the weigher's raw values are in the points
    std::optional<std::size_t> row;  // where they differ
    double constant = 0;             // where they do not
  };
  // By weigher.
  const std::vector<Source>& Sources() const { return sources_; }

  // Besides the weighers' rows, if there are any, a last row has a reference: the sum over rows of
  // slope * (value - base). Totals are sums like it, with other slopes: what is known of it in a
  // box bounds them where the box is wide.
  std::size_t Rows() const { return weigher_of_row_.size(); }
  const std::vector<double>& Bases() const { return base_; }
  const std::vector<double>& Slopes(std::uint32_t multipliers) const {
    return slopes_[multipliers];
  }
  // A host's raw value as it is now, clamped; of a weigher that looks at the host alone.
  double RawOf(const Fleet& fleet, std::size_t weigher, HostIndex host) const;
  // To the weigher's minimum and maximum.
  void Clamp(std::size_t weigher, std::span<double> raw) const;

  std::size_t MemoryBytes() const;

 private:
  struct Signature {
    std::uint8_t flags = 0;
    std::uint32_t cell = 0, zones = 0, aggregates = 0, supported = 0, hypervisor_type = 0,
                  traits = 0, multipliers = 0;
    std::int64_t hypervisor_version = 0;
    friend bool operator==(const Signature&, const Signature&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Signature& s) {
      return H::combine(std::move(state), s.flags, s.cell, s.zones, s.aggregates, s.supported,
                        s.hypervisor_type, s.traits, s.multipliers, s.hypervisor_version);
    }
  };
  struct TreeInfo {
    Signature signature;
    std::size_t hosts = 0;
  };

  Signature SignatureOf(const Fleet& fleet, HostIndex host);
  std::uint32_t MultipliersOf(const Fleet& fleet, std::uint32_t aggregates);
  BoxForest::Tree TreeFor(Fleet& fleet, const Signature& signature);
  void HoldIds(Fleet& fleet, const Signature& signature, bool hold) const;
  void Rebuild(Fleet& fleet);
  void AddSlopes(std::uint32_t multipliers);
  double ReferenceOf(std::span<const double> values, std::uint32_t multipliers) const;
  void ChooseRows(const std::vector<std::vector<double>>& raw);
  void Place(Fleet& fleet, HostIndex host);
  void ReadRooms(const Fleet& fleet, HostIndex host, std::span<std::int32_t> rooms) const;
  void Drop(HostIndex host);
  void NoteChange(HostIndex host);
  std::uint64_t KeyOf(std::span<const double> values) const;

  static constexpr BoxForest::Tree kNoTree = UINT32_MAX;
  // A weigher's minimum and maximum, infinite for none.
  struct Bounds {
    double minimum, maximum;
  };
  const Pipeline& pipeline_;
  std::vector<Bounds> bounds_;  // by weigher
  PointObserver* observer_ = nullptr;
  HostParts parts_ = 0;
  std::optional<BoxForest> forest_;
  std::vector<TreeInfo> trees_;
  absl::flat_hash_map<Signature, BoxForest::Tree> by_signature_;
  std::vector<BoxForest::Tree> tree_of_;  // by host
  std::vector<Source> sources_;
  std::vector<std::vector<double>> multipliers_;
  absl::flat_hash_map<std::vector<double>, std::uint32_t> multipliers_ids_;
  std::vector<std::uint32_t> multipliers_of_aggregates_;  // by aggregates id
  std::uint64_t aggregates_version_ = UINT64_MAX;
  std::vector<std::size_t> weigher_of_row_;
  std::vector<double> base_, scale_;         // of the key, by row
  std::vector<double> spans_;                // what normalisation would divide by, by row
  std::vector<std::vector<double>> slopes_;  // by multipliers id, by row
  std::uint32_t key_bits_ = 0;
  std::array<std::uint64_t, 256> spread_{};  // a byte with its bits as far apart as keys have them
  bool answers_ = false;
  std::vector<std::uint64_t> known_, may_;  // by host
  std::vector<HostIndex> log_;
  std::uint64_t log_begin_ = 1;
  HardwareRooms hardware_rooms_;
  std::uint32_t rooms_ = 0;  // of resource classes
  std::uint32_t fleet_classes_ = 0;
  std::uint64_t generation_ = 0, version_ = 0;
  std::size_t moves_ = 0;  // since the last rebuild
  std::size_t unfit_looks_ = 0;
  bool unfit_ = false;  // some value or multiplier is not finite, or too many classes
  bool rebuild_ = true;
  std::vector<double> values_;  // scratch
  std::array<std::int32_t, kMostRooms + HardwareRooms::kMostRows> room_{};
};

}  // namespace kilonova::scheduler::core::fast
