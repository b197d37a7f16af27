// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/store/instance_pack.h"

#include <optional>
#include <type_traits>
#include <utility>

#include "scheduler/adapters/store/pack.h"

namespace kilonova {

// The numbers are forever.
namespace model {

template <class Pack>
void Fields(Pack& pack, Flavor& f) {
  pack(1, f.id)(2, f.flavorid)(3, f.name)(4, f.vcpus)(5, f.memory_mb)(6, f.root_gb);
  pack(7, f.ephemeral_gb)(8, f.swap_mb)(9, f.rxtx_factor)(10, f.is_public)(11, f.disabled);
  pack(12, f.description)(13, f.extra_specs);
}
template <class Pack>
void Fields(Pack& pack, ImageSource& i) {
  pack(1, i.id)(2, i.name)(3, i.disk_format)(4, i.container_format)(5, i.url)(6, i.sha256);
  pack(7, i.size_bytes)(8, i.min_disk_gb)(9, i.min_ram_mb)(10, i.properties);
}
template <class Pack>
void Fields(Pack& pack, InstanceSpec& s) {
  pack(1, s.id)(2, s.uuid)(3, s.display_name)(4, s.hostname)(5, s.project_id)(6, s.project_name);
  pack(7, s.user_id)(8, s.user_name)(9, s.availability_zone)(10, s.reservation_id);
  pack(11, s.launch_index)(12, s.key_name)(13, s.key_data)(14, s.user_data)(15, s.config_drive);
  pack(16, s.metadata)(17, s.created_at);
}
template <class Pack>
void Fields(Pack& pack, FixedIp& ip) {
  pack(1, ip.address)(2, ip.prefix)(3, ip.gateway)(4, ip.version);
}
template <class Pack>
void Fields(Pack& pack, NicRequest& n) {
  bool bridge = n.kind == NetworkKind::kBridge;
  pack(1, n.port_id)(2, n.network_id)(3, n.network_name)(4, bridge)(5, n.source)(6, n.mac);
  pack(7, n.mtu)(8, n.dhcp)(9, n.fixed_ips)(10, n.dns_servers);
  n.kind = bridge ? NetworkKind::kBridge : NetworkKind::kLibvirtNetwork;
}

}  // namespace model

namespace scheduler::core {

template <class Pack>
void Fields(Pack& pack, FaultRecord& f) {
  pack(1, f.reason)(2, f.message)(3, f.host)(4, f.at);
}
template <class Pack>
void Fields(Pack& pack, FilterVerdict& v) {
  pack(1, v.filter)(2, v.passed)(3, v.have)(4, v.need);
}
template <class Pack>
void Fields(Pack& pack, WeighedValue& w) {
  pack(1, w.weigher)(2, w.raw)(3, w.normalized)(4, w.multiplier);
}
template <class Pack>
void Fields(Pack& pack, HostExplanation& h) {
  pack(1, h.host)(2, h.passed)(3, h.verdicts)(4, h.weights)(5, h.total_weight);
}
template <class Pack>
void Fields(Pack& pack, FilterCount& f) {
  pack(1, f.filter)(2, f.refused)(3, f.left);
}
template <class Pack>
void Fields(Pack& pack, Remedy& r) {
  pack(1, r.kind)(2, r.change)(3, r.host)(4, r.hosts);
}
template <class Pack>
void Fields(Pack& pack, Explanation& e) {
  pack(1, e.hosts)(2, e.passed)(3, e.filters)(4, e.explanations)(5, e.summary)(6, e.remedies);
}
template <class Pack>
void Fields(Pack& pack, HostRef& r) {
  pack(1, r.host)(2, r.node);
}

// All but what is shared: 2 to 5, of version 2 alone, and 23.
template <class Pack>
void Fields(Pack& pack, InstanceRecord& r) {
  pack(1, r.spec)(6, r.nics)(7, r.hints)(8, r.forced_host)(9, r.server_group);
  pack(13, r.host)(14, r.node)(15, r.availability_zone)(16, r.claim_id)(17, r.generation);
  pack(18, r.started_generation)(19, r.tried_hosts)(20, r.alternates)(21, r.fault);
  pack(22, r.attempts)(24, r.request_id)(25, r.action_request_id)(26, r.updated_at);
  pack(27, r.launched_at)(28, r.terminated_at);
}

}  // namespace scheduler::core

namespace scheduler::adapters {
namespace {

enum Shared : PackNumber { kFlavor = 2, kImage, kKernel, kRamdisk, kExplanation = 23 };
enum State : PackNumber { kVmState = 10, kTaskState, kPowerState };

template <class T>
T Checked(const std::optional<T>& state) {
  if (!state) throw std::invalid_argument("unknown state");
  return *state;
}

}  // namespace

std::string PackInstance(const core::InstanceRecord& record) {
  PackOut out;
  // The list of fields serves readers too; writing changes nothing.
  auto& r = const_cast<core::InstanceRecord&>(record);
  Fields(out, r);
  if (r.explanation) out(kExplanation, const_cast<core::Explanation&>(*r.explanation));
  out(kVmState, std::string(model::Name(r.vm_state)));
  out(kTaskState, std::string(model::Name(r.task_state)));
  auto power = static_cast<std::int64_t>(r.power_state);
  out(kPowerState, power);
  return kPackMark + out.Take();
}

std::string PackFlavor(const model::Flavor& flavor) {
  PackOut out;
  Fields(out, const_cast<model::Flavor&>(flavor));
  return out.Take();
}

std::string PackImage(const model::ImageSource& image) {
  PackOut out;
  Fields(out, const_cast<model::ImageSource&>(image));
  return out.Take();
}

model::Flavor UnpackFlavor(std::string_view bytes) {
  model::Flavor flavor;
  PackIn::Read(bytes, flavor);
  return flavor;
}

model::ImageSource UnpackImage(std::string_view bytes) {
  model::ImageSource image;
  PackIn::Read(bytes, image);
  return image;
}

template <class T>
std::shared_ptr<const T> InstanceUnpacker::Shared(Known<T>& known, std::string_view bytes) {
  if (const auto found = known.find(bytes); found != known.end()) return found->second;
  auto value = std::make_shared<T>();
  PackIn::Read(bytes, *value);
  keys_.push_back(std::make_unique<const std::string>(bytes));
  known.emplace(*keys_.back(), value);
  return value;
}

core::InstanceRecord InstanceUnpacker::Unpack(std::string_view bytes) {
  core::InstanceRecord r;
  for (PackIn in(bytes); in.Next();) {
    switch (in.field()) {
      case kFlavor:
        r.flavor = Shared(flavors_, in.Bytes());
        break;
      case kImage:
        r.image = Shared(images_, in.Bytes());
        break;
      case kKernel:
        r.kernel = Shared(images_, in.Bytes());
        break;
      case kRamdisk:
        r.ramdisk = Shared(images_, in.Bytes());
        break;
      case kExplanation:
        r.explanation = Shared(explanations_, in.Bytes());
        break;
      case kVmState:
        r.vm_state = Checked(model::VmStateFrom(in.Bytes()));
        break;
      case kTaskState:
        r.task_state = Checked(model::TaskStateFrom(in.Bytes()));
        break;
      case kPowerState:
        r.power_state = Checked(model::PowerStateFrom(static_cast<int>(in.Int())));
        break;
      default:
        Fields(in, r);
    }
  }
  if (r.spec.uuid.empty()) {
    throw std::invalid_argument("a part of the instance is missing");
  }
  return r;
}

}  // namespace scheduler::adapters
}  // namespace kilonova
