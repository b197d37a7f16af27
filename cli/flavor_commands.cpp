// SPDX-License-Identifier: Apache-2.0
#include <grpcpp/grpcpp.h>
#include <kilonova/v1/flavor.grpc.pb.h>

#include <filesystem>

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

Status Create(const Client& client, const v1::Flavor& flavor, v1::CreateFlavorResponse* response) {
  v1::CreateFlavorRequest request;
  *request.mutable_flavor() = flavor;
  const auto stub = Service::NewStub(client.channel());
  return client.Call([&](::grpc::ClientContext* context) {
    return stub->CreateFlavor(context, request, response);
  });
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
  v1::CreateFlavorResponse response;
  const Status status = Create(client, flavor, &response);
  return status.ok() ? Print(client, response.flavor()) : Fail(status);
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
    v1::CreateFlavorResponse response;
    const Status status = Create(client, message, &response);
    if (status.ok()) {
      ++made;
      continue;
    }
    if (!HasReason(status, reason::kFlavorExists)) return Fail(Prefixed(status, flavor.name));
    // Loading a catalogue again is no error, unless what is there is something else.
    v1::GetFlavorRequest get;
    v1::GetFlavorResponse existing;
    get.set_flavor(flavor.flavorid.empty() ? flavor.name : flavor.flavorid);
    const auto stub = Service::NewStub(client.channel());
    const Status found = client.Call(
        [&](::grpc::ClientContext* context) { return stub->GetFlavor(context, get, &existing); });
    // One that names no id has whatever id was made up for it.
    if (flavor.flavorid.empty()) flavor.flavorid = existing.flavor().flavorid();
    if (!found.ok() || existing.flavor().content_hash() != flavor.ContentHash()) {
      return Fail(status);
    }
    ++there;
  }
  std::cerr << made << " flavors created, " << there << " already there\n";
  return kExitOk;
}

int ListFlavors(const Client& client) {
  std::vector<v1::Flavor> flavors;
  const auto stub = Service::NewStub(client.channel());
  const Status status =
      ListAll<Service::Stub, v1::ListFlavorsRequest, v1::ListFlavorsResponse, v1::Flavor>(
          client, stub.get(), &Service::Stub::ListFlavors, {},
          [](const auto& page, auto* out) {
            out->insert(out->end(), page.flavors().begin(), page.flavors().end());
          },
          &flavors);
  if (!status.ok()) return Fail(status);
  return PrintList<v1::Flavor>(client.format(), flavors, FlavorTable);
}

int ShowFlavor(const Client& client, const FlavorOptions& options) {
  v1::GetFlavorRequest request;
  v1::GetFlavorResponse response;
  request.set_flavor(options.name);
  const auto stub = Service::NewStub(client.channel());
  const Status status = client.Call(
      [&](::grpc::ClientContext* context) { return stub->GetFlavor(context, request, &response); });
  return status.ok() ? Print(client, response.flavor()) : Fail(status);
}

int UpdateFlavor(const Client& client, const FlavorOptions& options) {
  v1::UpdateFlavorRequest request;
  v1::UpdateFlavorResponse response;
  request.set_flavor(options.name);
  request.set_description(options.description);
  const Status pairs =
      AddPairs(options.extra_specs, "--extra", [&request](const auto& key, const auto& value) {
        (*request.mutable_extra_specs())[key] = value;
      });
  if (!pairs.ok()) return FailUsage(Message(pairs));
  const auto stub = Service::NewStub(client.channel());
  const Status status = client.Call([&](::grpc::ClientContext* context) {
    return stub->UpdateFlavor(context, request, &response);
  });
  return status.ok() ? Print(client, response.flavor()) : Fail(status);
}

int DeleteFlavor(const Client& client, const FlavorOptions& options) {
  v1::DeleteFlavorRequest request;
  v1::DeleteFlavorResponse response;
  request.set_flavor(options.name);
  const auto stub = Service::NewStub(client.channel());
  const Status status = client.Call([&](::grpc::ClientContext* context) {
    return stub->DeleteFlavor(context, request, &response);
  });
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace kilonova::cli
