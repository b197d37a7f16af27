// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/flavor.grpc.pb.h>

#include <filesystem>

#include "cli/call.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "flavors/loader/loader.h"
#include "proto/grpc/flavor.h"

namespace kilonova::cli {
namespace {

using Service = v1::FlavorService;

std::string FlavorTable(const std::vector<v1::Flavor>& flavors) {
  Table table({"FLAVORID", "NAME", "VCPUS", "MEMORY_MB", "ROOT_GB", "EPHEMERAL_GB", "SWAP_MB",
               "EXTRA SPECS"});
  for (const auto& f : flavors) {
    table.Add({f.flavorid(), f.name(), std::to_string(f.vcpus()), std::to_string(f.memory_mb()),
               std::to_string(f.root_gb()), std::to_string(f.ephemeral_gb()),
               std::to_string(f.swap_mb()), std::to_string(f.extra_specs_size())});
  }
  return table.Text();
}

int Print(const Client& client, const v1::Flavor& f) {
  if (client.format() != Format::kTable) {
    std::cout << Render(f, client.format());
    return kExitOk;
  }
  std::vector<std::pair<std::string, std::string>> rows{
      {"flavorid", f.flavorid()},
      {"name", f.name()},
      {"vcpus", std::to_string(f.vcpus())},
      {"memory_mb", std::to_string(f.memory_mb())},
      {"root_gb", std::to_string(f.root_gb())},
      {"ephemeral_gb", std::to_string(f.ephemeral_gb())},
      {"swap_mb", std::to_string(f.swap_mb())},
      {"public", f.is_public() ? "yes" : "no"},
      {"disabled", f.disabled() ? "yes" : ""},
      {"description", f.description()},
      {"content hash", f.content_hash()}};
  for (const auto& [key, value] :
       std::map<std::string, std::string>(f.extra_specs().begin(), f.extra_specs().end())) {
    rows.emplace_back("extra " + key, value);
  }
  std::cout << KeyValues(rows);
  return kExitOk;
}

Expected<std::vector<model::Flavor>> Load(const std::string& path,
                                          flavors::extra_specs::Validation validation) {
  std::error_code error;  // the load itself says what is wrong with the path
  const flavors::LoadOptions options{validation, {}};
  return std::filesystem::is_directory(path, error) ? flavors::LoadFlavorDir(path, options)
                                                    : flavors::LoadFlavorFile(path, options);
}

Expected<v1::CreateFlavorResponse> Create(const Client& client, const v1::Flavor& flavor) {
  v1::CreateFlavorRequest request;
  *request.mutable_flavor() = flavor;
  return Call(client, &Service::Stub::CreateFlavor, request);
}

}  // namespace

int CreateFlavor(const Client& client, const FlavorOptions& options) {
  v1::Flavor flavor;
  flavor.set_name(options.name);
  flavor.set_flavorid(options.flavorid);
  flavor.set_description(options.description);
  flavor.set_vcpus(options.vcpus);
  flavor.set_memory_mb(options.memory_mb);
  flavor.set_root_gb(options.root_gb);
  flavor.set_ephemeral_gb(options.ephemeral_gb);
  flavor.set_swap_mb(options.swap_mb);
  flavor.set_rxtx_factor(options.rxtx_factor);
  flavor.set_is_public(!options.is_private);
  flavor.set_disabled(options.disabled);
  const Status pairs =
      AddPairs(options.extra_specs, "--extra", [&flavor](const auto& key, const auto& value) {
        (*flavor.mutable_extra_specs())[key] = value;
      });
  if (!pairs.ok()) return FailUsage(Message(pairs));
  const auto response = Create(client, flavor);
  return response.ok() ? Print(client, response->flavor()) : Fail(response.status());
}

int CheckFlavors(const FlavorOptions& options) {
  const auto flavors = Load(options.file, flavors::extra_specs::Validation::kStrict);
  if (!flavors.ok()) return FailUsage(Message(flavors.status()));
  std::cerr << flavors->size() << " flavors are good\n";
  return kExitOk;
}

int LoadFlavors(const Client& client, const FlavorOptions& options) {
  // How strictly extra specs are judged is the scheduler's to say.
  const auto flavors = Load(options.file, flavors::extra_specs::Validation::kDisabled);
  if (!flavors.ok()) return FailUsage(Message(flavors.status()));
  int made = 0;
  int there = 0;
  for (model::Flavor flavor : *flavors) {
    v1::Flavor message;
    grpc::ToProto(flavor, &message);
    const Status status = Create(client, message).status();
    if (status.ok()) {
      ++made;
      continue;
    }
    if (!HasReason(status, reason::kFlavorExists)) return Fail(Prefixed(status, flavor.name));
    // Loading a catalogue again is no error, unless what is there is something else.
    v1::GetFlavorRequest get;
    get.set_flavor(flavor.flavorid.empty() ? flavor.name : flavor.flavorid);
    const auto existing = Call(client, &Service::Stub::GetFlavor, get);
    if (!existing.ok()) return Fail(status);
    // One that names no id has whatever id was made up for it.
    if (flavor.flavorid.empty()) flavor.flavorid = existing->flavor().flavorid();
    if (existing->flavor().content_hash() != flavor.ContentHash()) return Fail(status);
    ++there;
  }
  std::cerr << made << " flavors created, " << there << " already there\n";
  return kExitOk;
}

int ListFlavors(const Client& client) {
  return ListAndPrint(client, &Service::Stub::ListFlavors, {}, &v1::ListFlavorsResponse::flavors,
                      FlavorTable);
}

int ShowFlavor(const Client& client, const FlavorOptions& options) {
  v1::GetFlavorRequest request;
  request.set_flavor(options.name);
  return CallAndPrint(client, &Service::Stub::GetFlavor, request, &v1::GetFlavorResponse::flavor,
                      Print);
}

int UpdateFlavor(const Client& client, const FlavorOptions& options) {
  v1::UpdateFlavorRequest request;
  request.set_flavor(options.name);
  request.set_description(options.description);
  const Status pairs =
      AddPairs(options.extra_specs, "--extra", [&request](const auto& key, const auto& value) {
        (*request.mutable_extra_specs())[key] = value;
      });
  if (!pairs.ok()) return FailUsage(Message(pairs));
  return CallAndPrint(client, &Service::Stub::UpdateFlavor, request,
                      &v1::UpdateFlavorResponse::flavor, Print);
}

int DeleteFlavor(const Client& client, const FlavorOptions& options) {
  v1::DeleteFlavorRequest request;
  request.set_flavor(options.name);
  return CallOnly(client, &Service::Stub::DeleteFlavor, request);
}

}  // namespace kilonova::cli
