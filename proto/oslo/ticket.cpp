// SPDX-License-Identifier: Apache-2.0
#include "proto/oslo/ticket.h"

#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "proto/oslo/text_checks.h"

namespace kilonova::oslo {
namespace {

constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxNics = 32;
constexpr std::size_t kMaxAddresses = 32;
constexpr std::size_t kMaxProviders = 64;
constexpr std::size_t kMaxClasses = 64;
constexpr std::size_t kMaxProviderName = 200;

Status Missing(std::string_view message) {
  return Error(Code::kFailedPrecondition, reason::kClaimMissing, message);
}

model::ImageSource ReadImage(Reader data) {
  model::ImageSource image;
  image.id = data.Id("id");
  image.name = data.NameOr("name", "");
  image.url = data.Name("url", 4096);
  image.sha256 = data.Text("sha256");
  data.Require(IsLowerHex(image.sha256, 64), "sha256", "is not 64 hex digits");
  image.disk_format = data.Name("disk_format", 32);
  image.container_format = data.NameOr("container_format", "bare", 32);
  image.size_bytes = static_cast<std::uint64_t>(data.IntOr("size_bytes", 0, 0, kMaxInt64));
  image.min_disk_gb = data.IntOr("min_disk_gb", 0, 0, kMaxInt32);
  image.min_ram_mb = data.IntOr("min_ram_mb", 0, 0, kMaxInt32);
  image.properties = data.Texts("properties", {.entries = 256, .key = 255, .value = 65535});
  return image;
}

std::optional<model::ImageSource> ReadImageOrNone(Reader& ticket, std::string_view key) {
  if (!ticket.Has(key)) return std::nullopt;
  return ReadImage(ticket.Child(key));
}

model::FixedIp ReadFixedIp(Reader data) {
  model::FixedIp ip;
  ip.version = static_cast<int>(data.IntOr("version", 4, 4, 6));
  data.Require(ip.version != 5, "version", "is neither 4 nor 6");
  ip.address = data.Text("address");
  data.Require(IsIpAddress(ip.address, ip.version), "address", "is not an IP address");
  ip.prefix = static_cast<int>(data.Int("prefix", 0, ip.version == 6 ? 128 : 32));
  ip.gateway = data.TextOr("gateway", "");
  data.Require(ip.gateway.empty() || IsIpAddress(ip.gateway, ip.version), "gateway",
               "is not an IP address");
  return ip;
}

model::NicRequest ReadNic(Reader data) {
  model::NicRequest nic;
  nic.port_id = data.Id("port_id");
  nic.network_id = data.Id("network_id");
  nic.network_name = data.NameOr("network_name", "");
  const std::string kind = data.Text("kind");
  nic.kind = kind == "bridge" ? model::NetworkKind::kBridge : model::NetworkKind::kLibvirtNetwork;
  data.Require(kind == "bridge" || kind == "libvirt_network", "kind",
               "is neither libvirt_network nor bridge");
  nic.source = data.Name("source");
  data.Require(kind != "bridge" || IsInterfaceName(nic.source), "source", "is not a bridge's name");
  data.Require(!nic.source.empty(), "source", "is empty");
  nic.mac = data.Text("mac");
  data.Require(IsMac(nic.mac), "mac", "is not a lower-case address of one card");
  nic.mtu = data.IntOr("mtu", 1500, 68, 65535);
  nic.dhcp = data.FlagOr("dhcp", false);
  for (Reader& ip : data.Children("fixed_ips", kMaxAddresses)) {
    nic.fixed_ips.push_back(ReadFixedIp(ip));
  }
  nic.dns_servers = data.TextList("dns_servers", kMaxAddresses);
  for (const std::string& server : nic.dns_servers) {
    data.Require(IsIpAddress(server, 4) || IsIpAddress(server, 6), "dns_servers",
                 "has an element that is no IP address");
  }
  return nic;
}

void ReadNics(Reader& ticket, model::BuildRequest* build) {
  std::set<std::string> macs;
  std::set<Uuid> ports;
  for (Reader& network : ticket.Children("networks", kMaxNics)) {
    build->nics.push_back(ReadNic(network));
    const model::NicRequest& nic = build->nics.back();
    network.Require(macs.insert(nic.mac).second, "mac", "is given twice");
    network.Require(ports.insert(nic.port_id).second, "port_id", "is given twice");
  }
}

void ReadAlternates(Reader& ticket, model::BuildRequest* build) {
  const Json* list = ticket.Find("alternates");
  if (list == nullptr) return;
  const auto refuse = [&ticket] { ticket.Refuse("alternates", "is not a list of [host, node]"); };
  if (list->AsArray() == nullptr || list->AsArray()->size() > 64) return refuse();
  for (const Json& pair : *list->AsArray()) {
    const Json::Array* names = pair.AsArray();
    if (names == nullptr || names->size() != 2 || (*names)[0].AsString() == nullptr ||
        (*names)[1].AsString() == nullptr) {
      return refuse();
    }
    build->alternates.emplace_back(*(*names)[0].AsString(), *(*names)[1].AsString());
  }
}

// As Placement writes the allocations of a consumer.
void ReadAllocations(Reader& ticket, model::BuildRequest* build) {
  if (!ticket.Has("allocations")) return;
  Reader allocations = ticket.Child("allocations");
  ticket.Require(allocations.Members().size() <= kMaxProviders, "allocations",
                 "are of too many providers");
  for (const Json::Member& provider : allocations.Members()) {
    ticket.Require(!provider.key.empty() && provider.key.size() <= kMaxProviderName &&
                       !HasControlCharacters(provider.key),
                   "allocations", "name no provider");
    Reader resources = allocations.Child(provider.key).Child("resources");
    const bool few = resources.Members().size() <= kMaxClasses;
    ticket.Require(few && !resources.Members().empty(), "allocations",
                   "are of no classes, or of too many");
    for (const Json::Member& amount : resources.Members()) {
      const bool named = !amount.key.empty() && amount.key.size() <= 255;
      ticket.Require(named && !HasControlCharacters(amount.key), "allocations", "name no class");
      build->allocations[provider.key][amount.key] = resources.Int(amount.key, 1, kMaxInt32);
    }
  }
}

Json WriteAllocations(const std::map<std::string, model::Resources>& allocations) {
  Json out = Json::MakeObject();
  for (const auto& [provider, amounts] : allocations) {
    Json resources = Json::MakeObject();
    for (const auto& [name, amount] : amounts) resources.AsObject()->push_back({name, amount});
    out.AsObject()->push_back({provider, Json::MakeObject({{"resources", std::move(resources)}})});
  }
  return out;
}

Json WriteImage(const model::ImageSource& image) {
  Json properties = Json::MakeObject();
  for (const auto& [key, value] : image.properties) properties.AsObject()->push_back({key, value});
  return Json::MakeObject({{"id", image.id.str()},
                           {"name", image.name},
                           {"url", image.url},
                           {"sha256", image.sha256},
                           {"disk_format", image.disk_format},
                           {"container_format", image.container_format},
                           {"size_bytes", image.size_bytes},
                           {"min_disk_gb", image.min_disk_gb},
                           {"min_ram_mb", image.min_ram_mb},
                           {"properties", std::move(properties)}});
}

Json WriteNic(const model::NicRequest& nic) {
  Json ips = Json::MakeArray();
  for (const model::FixedIp& ip : nic.fixed_ips) {
    ips.Push(Json::MakeObject({{"address", ip.address},
                               {"prefix", ip.prefix},
                               {"gateway", ip.gateway},
                               {"version", ip.version}}));
  }
  const bool bridge = nic.kind == model::NetworkKind::kBridge;
  return Json::MakeObject(
      {{"port_id", nic.port_id.str()},
       {"network_id", nic.network_id.str()},
       {"network_name", nic.network_name},
       {"kind", bridge ? "bridge" : "libvirt_network"},
       {"source", nic.source},
       {"mac", nic.mac},
       {"mtu", nic.mtu},
       {"dhcp", nic.dhcp},
       {"fixed_ips", std::move(ips)},
       {"dns_servers", Json(Json::Array(nic.dns_servers.begin(), nic.dns_servers.end()))}});
}

}  // namespace

Expected<Ticket> ReadClaim(const Json& json, std::string_view request_id) {
  Status status;
  Reader data(&json, "args.filter_properties.kilonova", &status);
  Ticket ticket;
  ticket.claim.claim_id = data.Id("claim_id");
  ticket.claim.generation = data.Int("generation", 1, kMaxInt64);
  ticket.request_id = data.Name("request_id");
  data.Require(ticket.request_id == request_id, "request_id", "is not the message's own");
  ticket.flavor_hash = data.Text("flavor_hash");
  data.Require(IsLowerHex(ticket.flavor_hash, 64), "flavor_hash", "is not 64 hex digits");
  if (status.ok()) return ticket;
  const Details details = DetailsOf(status);
  const auto field = details.find("field");
  return WithDetail(Missing(Message(status)), "field",
                    field == details.end() ? data.path() : field->second);
}

void ReadTicketContents(Reader ticket, model::BuildRequest* build) {
  build->attempt = ticket.IntOr("attempt", 1, 1, 1000);
  build->image = ReadImage(ticket.Child("image"));
  build->kernel = ReadImageOrNone(ticket, "kernel");
  build->ramdisk = ReadImageOrNone(ticket, "ramdisk");
  ticket.Require(!build->ramdisk || build->kernel, "ramdisk", "is there without a kernel");
  ReadNics(ticket, build);
  ReadAlternates(ticket, build);
  ReadAllocations(ticket, build);
}

Json WriteTicket(const model::BuildRequest& build, const std::string& request_id) {
  Json networks = Json::MakeArray();
  for (const model::NicRequest& nic : build.nics) networks.Push(WriteNic(nic));
  Json alternates = Json::MakeArray();
  for (const auto& [host, node] : build.alternates) {
    alternates.Push(Json(Json::Array{Json(host), Json(node)}));
  }
  Json ticket = Json::MakeObject({{"claim_id", build.claim.claim_id.str()},
                                  {"generation", build.claim.generation},
                                  {"request_id", request_id},
                                  {"attempt", build.attempt},
                                  {"flavor_hash", build.flavor.ContentHash()},
                                  {"image", WriteImage(build.image)},
                                  {"kernel", build.kernel ? WriteImage(*build.kernel) : Json()},
                                  {"ramdisk", build.ramdisk ? WriteImage(*build.ramdisk) : Json()},
                                  {"networks", std::move(networks)},
                                  {"alternates", std::move(alternates)}});
  if (!build.allocations.empty()) ticket.Set("allocations", WriteAllocations(build.allocations));
  return ticket;
}

Expected<model::ClaimTicket> ReadClaim(const std::map<std::string, std::string>& system_metadata) {
  const auto find = [&system_metadata](std::string_view key) -> std::string_view {
    const auto it = system_metadata.find(std::string(key));
    return it == system_metadata.end() ? std::string_view() : std::string_view(it->second);
  };
  model::ClaimTicket claim;
  const std::string_view digits = find(kGenerationKey);
  const char* end = digits.data() + digits.size();
  const auto [next, error] = std::from_chars(digits.data(), end, claim.generation);
  if (error != std::errc() || next != end || claim.generation < 1) {
    return WithDetail(Missing("the instance carries no generation"), "field",
                      "args.instance.system_metadata.kilonova_generation");
  }
  auto id = Uuid::Parse(find(kClaimKey));
  if (!id.ok()) {
    return WithDetail(Missing("the instance carries no claim"), "field",
                      "args.instance.system_metadata.kilonova_claim_id");
  }
  claim.claim_id = *id;
  return claim;
}

}  // namespace kilonova::oslo
