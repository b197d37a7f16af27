// SPDX-License-Identifier: Apache-2.0
#include "cli/instance_text.h"

#include <kilonova/v1/instance.pb.h>
#include <openssl/evp.h>

#include "cli/client.h"
#include "cli/table.h"

namespace kilonova::cli {
namespace {

std::string Addresses(const v1::Instance& instance) {
  std::string text;
  for (const auto& nic : instance.interfaces()) {
    if (!text.empty()) text += "; ";
    text += nic.network_name() + "=";
    if (nic.fixed_ips().empty()) text += "dhcp";
    for (int i = 0; i < nic.fixed_ips_size(); ++i) {
      text += (i == 0 ? "" : ",") + nic.fixed_ips(i).address();
    }
  }
  return text;
}

std::string FaultText(const v1::Fault& fault) {
  std::string text = fault.reason() + ": " + fault.message();
  if (!fault.host().empty()) text += " (host " + fault.host() + ")";
  return text;
}

std::string Base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string Without(const std::string& text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

std::string StateText(const v1::Instance& instance) {
  std::string text = Without(v1::VmState_Name(instance.vm_state()), "VM_STATE_");
  if (!instance.task_state().empty()) text += " (" + instance.task_state() + ")";
  return text;
}

std::string InstanceTable(const std::vector<v1::Instance>& instances) {
  Table table({"UUID", "NAME", "STATE", "POWER", "FLAVOR", "HOST", "ADDRESSES"});
  for (const auto& instance : instances) {
    table.Add({instance.uuid(), instance.name(), StateText(instance),
               Without(v1::PowerState_Name(instance.power_state()), "POWER_STATE_"),
               instance.flavor().name(), instance.host(), Addresses(instance)});
  }
  return table.Text();
}

std::string InstanceText(const v1::Instance& i) {
  std::string metadata;
  for (const auto& [key, value] :
       std::map<std::string, std::string>(i.metadata().begin(), i.metadata().end())) {
    metadata += (metadata.empty() ? "" : ", ") + key + "=" + value;
  }
  std::string attempts;
  for (const auto& fault : i.attempts()) {
    attempts += (attempts.empty() ? "" : "; ") + FaultText(fault);
  }
  const auto& f = i.flavor();
  return KeyValues({
      {"uuid", i.uuid()},
      {"name", i.name()},
      {"hostname", i.hostname()},
      {"state", StateText(i)},
      {"power", Without(v1::PowerState_Name(i.power_state()), "POWER_STATE_")},
      {"fault", i.has_fault() ? FaultText(i.fault()) : ""},
      {"attempts", attempts},
      {"host", i.host()},
      {"availability zone", i.availability_zone()},
      {"server group", i.server_group()},
      {"flavor", f.name() + ": " + std::to_string(f.vcpus()) + " vCPU, " +
                     std::to_string(f.memory_mb()) + " MiB, " + std::to_string(f.root_gb()) +
                     " GiB disk"},
      {"image", i.image_id()},
      {"addresses", Addresses(i)},
      {"metadata", metadata},
      {"config drive", i.config_drive() ? "yes" : ""},
      {"key", i.key_name()},
      {"project", i.project_id()},
      {"user", i.user_id()},
      {"created", TimeText(i.created_at_us())},
      {"launched", TimeText(i.launched_at_us())},
      {"updated", TimeText(i.updated_at_us())},
      {"terminated", TimeText(i.terminated_at_us())},
      {"request", i.request_id()},
  });
}

Status FillTemplate(const TemplateOptions& options, v1::InstanceTemplate* out) {
  out->set_name(options.name);
  out->set_flavor(options.flavor);
  out->set_image(options.image);
  for (const std::string& network : options.networks) out->add_networks(network);
  out->set_availability_zone(options.availability_zone);
  out->set_config_drive(options.config_drive);
  out->set_host(options.host);
  out->set_hypervisor_hostname(options.node);
  out->set_key_name(options.key_name);
  out->set_project_id(options.project);
  out->set_user_id(options.user);
  out->set_admin_password(options.admin_password);
  if (!options.public_key_file.empty()) {
    ASSIGN_OR_RETURN(auto key, ReadFile(options.public_key_file, 16384));
    while (key.ends_with('\n')) key.pop_back();
    out->set_public_key(key);
  }
  if (!options.user_data_file.empty()) {
    ASSIGN_OR_RETURN(const auto data, ReadFile(options.user_data_file, 49151));
    out->set_user_data(Base64(data));
  }
  RETURN_IF_ERROR(AddPairs(options.metadata, "--meta", [out](const auto& key, const auto& value) {
    (*out->mutable_metadata())[key] = value;
  }));
  return AddPairs(options.hints, "--hint", [out](const auto& key, const auto& value) {
    (*out->mutable_scheduler_hints())[key].add_values(value);
  });
}

}  // namespace kilonova::cli
