// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/mdevs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <pugixml.hpp>
#include <set>

#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/handles.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostXml = 4 << 20;
constexpr int kMostReadings = 8;

template <auto Free>
struct FreeEach {
  template <class T>
  void operator()(T* list) const noexcept {
    for (T* each = list; *each != nullptr; ++each) Free(*each);
    std::free(list);  // NOLINT: libvirt's list is malloc's
  }
};
using DeviceList = std::unique_ptr<virNodeDevicePtr, FreeEach<virNodeDeviceFree>>;
using DomainList = std::unique_ptr<virDomainPtr, FreeEach<virDomainFree>>;

Expected<pugi::xml_document> Parse(const std::string& xml) {
  pugi::xml_document document;
  if (xml.size() > kMostXml || !document.load_buffer(xml.data(), xml.size())) {
    return Error(Code::kInternal, reason::kInternal, "what libvirt says of a device is no XML");
  }
  return document;
}

Expected<DeviceList> List(virConnectPtr connect, unsigned flags) {
  // Since 7.3.0 there may be some that are only defined; libvirts that do not know the flag know no
  // such devices.
  virNodeDevicePtr* devices = nullptr;
  int count =
      virConnectListAllNodeDevices(connect, &devices, flags | VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE);
  if (count < 0 && LastErrorCode() == VIR_ERR_INVALID_ARG) {
    count = virConnectListAllNodeDevices(connect, &devices, flags);
  }
  if (count < 0) return LastError("listing the host's devices failed");
  return DeviceList(devices);
}

// `parse` of each device that is still there.
template <class T>
Expected<std::vector<T>> ReadDevices(virConnectPtr connect, unsigned flags,
                                     Expected<std::optional<T>> (*parse)(const std::string&)) {
  ASSIGN_OR_RETURN(const DeviceList devices, List(connect, flags));
  std::vector<T> all;
  for (virNodeDevicePtr* each = devices.get(); *each != nullptr; ++each) {
    char* text = virNodeDeviceGetXMLDesc(*each, 0);
    if (text == nullptr) continue;
    ASSIGN_OR_RETURN(auto one, parse(TakeText(text)));
    if (one) all.push_back(*std::move(one));
  }
  return all;
}

Expected<std::vector<hardware::Mdev>> ReadMdevs(virConnectPtr connect) {
  ASSIGN_OR_RETURN(auto mdevs, ReadDevices<hardware::Mdev>(
                                   connect, VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV, ParseMdev));
  std::ranges::sort(mdevs, {}, &hardware::Mdev::uuid);
  return mdevs;
}

Status NotMade(const hardware::Mdev& mdev, const std::string& operator_text) {
  return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
               "a mediated device cannot be made",
               {{"type", mdev.type}, {"device", mdev.parent}, {"operator", operator_text}});
}

// "pci_0000_06_00_0" as the kernel names it; "" for what is none.
std::string PciNameOf(const std::string& parent) {
  constexpr std::string_view kForm = "pci_hhhh_hh_hh_h";
  if (parent.size() != kForm.size()) return {};
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = std::isxdigit(static_cast<unsigned char>(parent[i])) != 0;
    if (kForm[i] == 'h' ? !digit : parent[i] != kForm[i]) return {};
  }
  std::string name = parent.substr(4);
  name[4] = name[7] = ':';
  name[10] = '.';
  return name;
}

}  // namespace

Expected<std::optional<hardware::MdevParent>> ParseMdevParent(const std::string& xml) {
  ASSIGN_OR_RETURN(const pugi::xml_document document, Parse(xml));
  const pugi::xml_node device = document.child("device");
  const pugi::xml_node pci = device.find_child_by_attribute("capability", "type", "pci");
  hardware::MdevParent parent;
  parent.name = device.child_value("name");
  for (const auto& capability : pci.children("capability")) {
    if (std::string_view(capability.attribute("type").value()) != "mdev_types") continue;
    for (const auto& type : capability.children("type")) {
      const long long available = type.child("availableInstances").text().as_llong();
      const std::string id = type.attribute("id").value();
      if (id.empty()) continue;
      parent.available[id] = std::clamp<std::int64_t>(available, 0, INT32_MAX);
    }
  }
  if (parent.name.empty() || parent.available.empty()) return std::nullopt;
  return parent;
}

Expected<std::optional<hardware::Mdev>> ParseMdev(const std::string& xml) {
  ASSIGN_OR_RETURN(const pugi::xml_document document, Parse(xml));
  const pugi::xml_node device = document.child("device");
  const pugi::xml_node capability = device.find_child_by_attribute("capability", "type", "mdev");
  if (!capability) return std::nullopt;
  hardware::Mdev mdev;
  mdev.parent = device.child_value("parent");
  mdev.type = capability.child("type").attribute("id").value();
  // libvirt says it since 7.3.0; before that it was all of the name: "mdev_<uuid with _>".
  std::string uuid = capability.child_value("uuid");
  if (uuid.empty()) {
    const std::string name = device.child_value("name");
    if (name.starts_with("mdev_")) uuid = name.substr(5, 36);
    std::ranges::replace(uuid, '_', '-');
  }
  auto parsed = Uuid::Parse(uuid);
  if (!parsed.ok()) return std::nullopt;
  mdev.uuid = *std::move(parsed);
  return mdev;
}

Expected<std::vector<Uuid>> ParseMdevsOfDomain(const std::string& xml) {
  ASSIGN_OR_RETURN(const pugi::xml_document document, Parse(xml));
  std::vector<Uuid> uuids;
  for (const auto& device : document.child("domain").child("devices").children("hostdev")) {
    if (std::string_view(device.attribute("type").value()) != "mdev") continue;
    const char* text = device.child("source").child("address").attribute("uuid").value();
    if (auto uuid = Uuid::Parse(text); uuid.ok()) uuids.push_back(*std::move(uuid));
  }
  return uuids;
}

// The lists are read one after the other: what can be made is right for the devices there are only
// if those were the same before and after.
Expected<hardware::MdevMachine> ListMdevs(virConnectPtr connect) {
  hardware::MdevMachine machine;
  ASSIGN_OR_RETURN(machine.mdevs, ReadMdevs(connect));
  for (int i = 0; i < kMostReadings; ++i) {
    ASSIGN_OR_RETURN(machine.parents,
                     ReadDevices<hardware::MdevParent>(
                         connect, VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES, ParseMdevParent));
    ASSIGN_OR_RETURN(auto after, ReadMdevs(connect));
    if (after == machine.mdevs) return machine;
    machine.mdevs = std::move(after);
  }
  return Error(Code::kUnavailable, reason::kHypervisorUnavailable,
               "the host's mediated devices change all the time");
}

Status FindUsers(virConnectPtr connect, hardware::MdevMachine& machine) {
  virDomainPtr* raw = nullptr;
  if (virConnectListAllDomains(connect, &raw, 0) < 0) return LastError("listing guests failed");
  const DomainList domains(raw);
  for (virDomainPtr* each = domains.get(); *each != nullptr; ++each) {
    char* text = virDomainGetXMLDesc(*each, 0);
    if (text == nullptr) {
      if (LastErrorCode() == VIR_ERR_NO_DOMAIN) continue;  // it went meanwhile
      return LastError("reading a guest's definition failed");
    }
    ASSIGN_OR_RETURN(const auto mdevs, ParseMdevsOfDomain(TakeText(text)));
    char id[VIR_UUID_STRING_BUFLEN] = {};
    if (mdevs.empty() || virDomainGetUUIDString(*each, id) < 0) continue;
    ASSIGN_OR_RETURN(const Uuid domain, Uuid::Parse(id));
    for (const Uuid& mdev : mdevs) machine.users[mdev] = domain;
  }
  return OkStatus();
}

Status CreateMdev(const std::string& sys, const hardware::Mdev& mdev) {
  const std::string pci = PciNameOf(mdev.parent);
  if (pci.empty() || mdev.type.empty() || mdev.type[0] == '.' ||
      mdev.type.find('/') != std::string::npos) {
    return NotMade(mdev, "no such device or type");
  }
  // libvirt may hear of a new one late; the kernel knows.
  const fs::path made = fs::path(sys) / "bus/mdev/devices" / mdev.uuid.str();
  std::error_code ignored;
  if (fs::exists(made, ignored)) return OkStatus();
  const fs::path file =
      fs::path(sys) / "class/mdev_bus" / pci / "mdev_supported_types" / mdev.type / "create";
  const int fd = open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return NotMade(mdev, file.string() + ": " + std::strerror(errno));
  const std::string& uuid = mdev.uuid.str();
  const auto written = write(fd, uuid.data(), uuid.size());
  const int error = errno;
  close(fd);
  if (written == static_cast<ssize_t>(uuid.size()) || fs::exists(made, ignored)) return OkStatus();
  return NotMade(mdev, file.string() + ": " + std::strerror(error));
}

}  // namespace kilonova::agent::adapters::libvirt
