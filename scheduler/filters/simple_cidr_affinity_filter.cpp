// SPDX-License-Identifier: Apache-2.0
// SimpleCIDRAffinityFilter: hosts whose address is in the network of the hints build_near_host_ip
// and cidr ("/24" without it).
#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"
#include "scheduler/filters/ip_network.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedCidrFilter : public core::PreparedFilter {
 public:
  PreparedCidrFilter(const IpNetwork& network, std::string text)
      : network_(network), text_(std::move(text)) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    const auto address = IpAddress::Parse(fleet.Record(host).host_ip);
    if (!address) return Judgement::kError;
    return network_.Contains(*address) ? Judgement::kPass : Judgement::kRefuse;
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    const std::string& address = fleet.Record(host).host_ip;
    verdict.have = address.empty() ? "no address" : "the address " + address;
    verdict.need = "an address in " + text_;
  }

 private:
  IpNetwork network_;
  std::string text_;
};

Status BadHint(const std::string& name, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message,
               {{"field", "scheduler_hints." + name}});
}

class SimpleCidrAffinityFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "SimpleCIDRAffinityFilter"; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& request) const override {
    const auto near = request.hints.find("build_near_host_ip");
    if (near == request.hints.end() || near->second.empty()) return nullptr;
    if (near->second.size() > 1) {
      return BadHint("build_near_host_ip", "there may be one address at most");
    }
    if (near->second.front().empty()) return nullptr;
    std::string text = near->second.front();
    const auto cidr = request.hints.find("cidr");
    if (cidr != request.hints.end() && cidr->second.size() != 1) {
      return BadHint("cidr", "there must be one prefix");
    }
    text += cidr == request.hints.end() ? "/24" : cidr->second.front();
    const auto network = IpNetwork::Parse(text);
    if (!network) return BadHint("build_near_host_ip", "with cidr this is no network");
    return std::make_unique<PreparedCidrFilter>(*network, std::move(text));
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeSimpleCidrAffinityFilter(const FilterOptions& /*options*/) {
  return std::make_unique<SimpleCidrAffinityFilter>();
}

}  // namespace kilonova::scheduler::filters
