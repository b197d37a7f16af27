// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/libvirt/builders.h"

#include <cstdio>
#include <stdexcept>
#include <thread>

namespace kilonova::testing {

model::BuildRequest SmallGuest(std::int64_t id) {
  model::BuildRequest request;
  request.instance.id = id;
  request.instance.uuid = Uuid::Random();
  request.instance.display_name = "guest <&> \"" + std::to_string(id) + "\"";
  request.instance.hostname = "guest-" + std::to_string(id);
  request.instance.project_id = "p1";
  request.instance.user_id = "u1";
  request.instance.created_at = FromMicros(1'700'000'000'000'000);
  request.flavor.name = "small";
  request.flavor.flavorid = "small";
  request.flavor.vcpus = 1;
  request.flavor.memory_mb = 64;
  request.flavor.root_gb = 1;
  request.image.id = Uuid::Random();
  request.image.name = "empty";
  request.image.disk_format = "qcow2";
  request.claim = {Uuid::Random(), 7};
  return request;
}

agent::guest::GuestConfig GuestConfigIn(const std::filesystem::path& directory) {
  agent::guest::GuestConfig config;
  config.host = kHost;
  config.paths.state_dir = directory / "state";
  return config;
}

agent::core::CachedImage BaseIn(const std::filesystem::path& directory) {
  const auto path = directory / "base.qcow2";
  if (!std::filesystem::exists(path)) {
    MustRun("qemu-img create -q -f qcow2 " + path.string() + " 16M");
  }
  return {path, "qcow2", 16 << 20};
}

void MakeDisks(const agent::guest::GuestConfig& config, const model::BuildRequest& request,
               const agent::core::CachedImage& base) {
  const auto& uuid = request.instance.uuid;
  std::filesystem::create_directories(config.paths.Instance(uuid));
  MustRun("qemu-img create -q -f qcow2 -F " + base.format + " -b " + base.path.string() + " " +
          config.paths.Disk(uuid).string() + " 1G");
}

std::string XmlOf(const agent::guest::GuestConfig& config, const model::BuildRequest& request,
                  const agent::core::CachedImage& base) {
  const auto domain = agent::guest::DescribeRequest(config, {}, request, base);
  if (!domain.ok()) throw std::runtime_error(Describe(domain.status()));
  const auto xml = agent::guest::DomainXml(*domain);
  if (!xml.ok()) throw std::runtime_error(Describe(xml.status()));
  return *xml;
}

std::string MustRun(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string text;
  char buffer[4096];
  while (std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  if (pclose(pipe) != 0) throw std::runtime_error(command + ": " + text);
  return text;
}

bool Within(std::chrono::milliseconds time, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace kilonova::testing
