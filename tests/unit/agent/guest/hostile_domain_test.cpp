// SPDX-License-Identifier: Apache-2.0
// Every text a domain is made of, whoever it comes from, is in the document as it was or is
// refused: the document has the same elements and attributes as with a plain text, and the same
// values but for the text itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <pugixml.hpp>
#include <random>

#include "agent/guest/domain.h"
#include "agent/guest/text.h"
#include "tests/support/nasty_strings.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

using namespace agent::guest;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kStrings = 500;
constexpr int kOfEach = 60;  // strings a text is tried with, one after the other of them all
const std::string kMark = "markhere";

struct Text {
  std::string name;
  std::string* text;
  bool display = false;  // shown to people: what XML cannot hold is replaced, not refused
};

// A domain that has everything, and where its texts are.
struct Whole {
  Domain domain;
  std::vector<Text> texts;

  Whole();
  void Add(const char* name, std::initializer_list<std::string*> all) {
    int number = 0;
    for (std::string* text : all) {
      texts.push_back({name + std::to_string(++number), text, false});
    }
  }
  void AddShown(const char* name, std::initializer_list<std::string*> shown) {
    const std::size_t before = texts.size();
    Add(name, shown);
    for (std::size_t i = before; i < texts.size(); ++i) texts[i].display = true;
  }
  template <class T>
  T& Put(T device) {
    return std::get<T>(domain.devices.emplace_back(std::move(device)));
  }
  void AddBoard();
  void AddDisks();
  void AddInterfaces();
  void AddSmallDevices();
};

void Whole::AddBoard() {
  domain = *Described(PlainConfig(), PlainRequest());
  domain.devices.clear();
  domain.devices.reserve(64);  // what is pointed to stays where it is
  model::InstanceSpec& instance = domain.instance;
  AddShown("instance", {&instance.display_name, &instance.user_id, &instance.user_name,
                        &instance.project_id, &instance.project_name});
  AddShown("flavor", {&domain.flavor.name});
  domain.nova.ports = {{"p", {{"fixed", "10.0.0.2", 4}}}};
  NovaPort& port = domain.nova.ports.front();
  AddShown("port", {&port.ips.front().type, &port.ips.front().address});
  Add("port id", {&port.id, &domain.nova.package_version});
  Add("owner", {&domain.owner->host});
  domain.smbios = Smbios{"m", "p", "v", "s", "u"};
  Smbios& smbios = *domain.smbios;
  Add("smbios",
      {&smbios.manufacturer, &smbios.product, &smbios.version, &smbios.serial, &smbios.uuid});
  Boot& boot = domain.boot;
  boot = {"x86_64", "pc", "hvm", "/k", "/i", "line", "/l", "/n", true, {"hd"}, true, true};
  Add("boot", {&boot.arch, &boot.machine, &boot.type, &boot.kernel, &boot.initrd, &*boot.cmdline,
               &boot.loader, &boot.nvram_template, &boot.devices.front()});
  domain.clock.timers = {{"pit", "delay", true}};
  Add("clock", {&domain.clock.offset, &domain.clock.timers.front().name,
                &domain.clock.timers.front().tickpolicy});
  domain.cpu.mode = "custom";
  domain.cpu.model = "Nehalem";
  domain.cpu.features = {{"aes", "require"}};
  Add("cpu", {&domain.cpu.mode, &domain.cpu.model, &domain.cpu.features.front().name,
              &domain.cpu.features.front().policy});
  domain.emulator = "/e";
  domain.perf_events = {"cpu_clock"};
  Add("domain", {&domain.virt_type, &domain.name, &domain.emulator, &domain.perf_events.front()});
}

void Whole::AddDisks() {
  DiskDevice& file = Put(DiskDevice{.format = "qcow2",
                                    .cache = "none",
                                    .discard = "unmap",
                                    .io = "native",
                                    .path = "/d",
                                    .target = "vda",
                                    .bus = "virtio",
                                    .serial = "s",
                                    .iotune = {{"read_bytes_sec", "1"}},
                                    .logical_block_size = "512",
                                    .physical_block_size = "4096",
                                    .boot_order = "1",
                                    .luks_secret = "u"});
  file.base = PlainBase();
  Add("disk", {&file.source_type, &file.device, &file.format, &file.cache, &file.discard, &file.io,
               &file.path, &file.target, &file.bus, &file.serial, &file.iotune["read_bytes_sec"],
               &file.logical_block_size, &file.physical_block_size, &file.boot_order,
               &file.luks_secret, &file.base->format});
  DiskDevice& net = Put(DiskDevice{.source_type = "network", .format = "raw", .target = "vdb"});
  net.network = {"rbd", "p/v", {{"h", "6789"}}};
  net.auth = DiskAuth{"u", "ceph", "s"};
  Add("network disk", {&net.network.protocol, &net.network.name, &net.network.hosts.front().first,
                       &net.network.hosts.front().second, &net.auth->username,
                       &net.auth->secret_type, &net.auth->secret_uuid});
}

void Whole::AddInterfaces() {
  const auto add = [this](const char* type) -> InterfaceDevice& {
    return Put(InterfaceDevice{.type = type,
                               .mac = "fa:16:3e:00:00:01",
                               .model = "virtio",
                               .driver = "vhost",
                               .source = "s",
                               .source_mode = "m",
                               .target = "t"});
  };
  InterfaceDevice& bridge = add("bridge");
  bridge.virtual_port = "openvswitch";
  bridge.virtual_port_parameters = {{"interfaceid", "i"}};
  bridge.filter = "f";
  bridge.inbound = bridge.outbound = Bandwidth{"1", "2", "3"};
  Add("bridge",
      {&bridge.type, &bridge.mac, &bridge.model, &bridge.driver, &bridge.source, &bridge.target,
       &bridge.virtual_port, &bridge.virtual_port_parameters.front().second, &bridge.filter,
       &bridge.inbound->average, &bridge.inbound->peak, &bridge.inbound->burst,
       &bridge.outbound->average});
  InterfaceDevice& direct = add("direct");
  direct.vlan = "7";
  Add("direct", {&direct.source, &direct.source_mode, &direct.vlan});
  InterfaceDevice& vhostuser = add("vhostuser");
  Add("vhostuser", {&vhostuser.source, &vhostuser.source_mode});
  Add("vdpa", {&add("vdpa").source});
  InterfaceDevice& function = add("hostdev");
  function.address = {"0000", "05", "00", "1"};
  Add("function", {&function.address.domain, &function.address.bus, &function.address.slot,
                   &function.address.function});
}

void Whole::AddSmallDevices() {
  ControllerDevice& controller = Put(ControllerDevice{"scsi", 0, "virtio-scsi"});
  Add("controller", {&controller.type, &controller.model});
  PciAddress& pci = Put(HostPciDevice{{"0000", "05", "00", "1"}}).address;
  Add("pci", {&pci.domain, &pci.bus, &pci.slot, &pci.function});
  Add("mdev", {&Put(MdevDevice{"u"}).uuid});
  SerialDevice& serial = Put(SerialDevice{"tcp", "h", 1, "/log"});
  Add("serial", {&serial.host, &serial.log});
  ChannelDevice& channel = Put(ChannelDevice{"unix", "/c", "t"});
  Add("channel", {&channel.path, &channel.target});
  GraphicsDevice& graphics = Put(GraphicsDevice{"vnc", "l"});
  Add("graphics", {&graphics.type, &graphics.listen});
  Add("video", {&Put(VideoDevice{"virtio"}).model});
  InputDevice& input = Put(InputDevice{"tablet", "usb"});
  Add("input", {&input.type, &input.bus});
  Add("rng", {&Put(RngDevice{1, 2, "/r"}).backend});
  TpmDevice& tpm = Put(TpmDevice{"tpm-tis", "2.0", "s"});
  Add("tpm", {&tpm.model, &tpm.version, &tpm.secret});
  Add("watchdog", {&Put(WatchdogDevice{"reset"}).action});
  Add("vpmem", {&Put(VpmemDevice{"/v", 1, 1}).path});
  Add("iommu", {&Put(IommuDevice{"intel"}).model});
}

Whole::Whole() {
  AddBoard();
  AddDisks();
  AddInterfaces();
  AddSmallDevices();
}

// Every attribute and text with where it is.
using Values = std::vector<std::pair<std::string, std::string>>;

void Flatten(const pugi::xml_node& node, const std::string& where, Values& values) {
  const std::string here = where + "/" + node.name();
  for (const auto& attribute : node.attributes()) {
    values.emplace_back(here + "@" + attribute.name(), attribute.value());
  }
  values.emplace_back(here, node.child_value());
  for (const auto& child : node.children()) {
    if (child.type() == pugi::node_element) Flatten(child, here, values);
  }
}

Values ValuesOf(const std::string& xml) {
  Values values;
  pugi::xml_document document;
  const bool read =
      document.load_string(xml.c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  EXPECT_TRUE(read) << xml;
  Flatten(document.document_element(), "", values);
  return values;
}

Values With(Values values, const std::string& text) {
  for (auto& [where, value] : values) {
    for (std::size_t at = 0; (at = value.find(kMark, at)) != std::string::npos; at += text.size()) {
      value.replace(at, kMark.size(), text);
    }
  }
  return values;
}

TEST(HostileDomain, EveryTextComesBackExactlyOrIsRefused) {
  std::mt19937 random(20261126);
  std::vector<std::string> strings(kStrings);
  std::ranges::generate(strings, [&random] { return "x" + NastyString(random); });
  std::size_t next = 0;
  int refused = 0;
  int replaced = 0;
  Whole whole;
  EXPECT_GE(whole.texts.size() * kOfEach, kStrings);
  for (const Text& each : whole.texts) {
    const std::string before = *each.text;
    *each.text = kMark;
    const auto plain = DomainXml(whole.domain);
    ASSERT_TRUE(plain.ok()) << each.name << Describe(plain.status());
    const Values marked = ValuesOf(*plain);
    ASSERT_NE(With(marked, ""), marked) << each.name << " is nowhere in the document\n" << *plain;
    for (int i = 0; i < kOfEach; ++i, ++next) {
      const std::string& text = strings[next % kStrings];
      *each.text = text;
      const auto xml = DomainXml(whole.domain);
      if (!xml.ok()) {
        ASSERT_FALSE(each.display || IsPrintable(text)) << each.name << Describe(xml.status());
        ++refused;
        continue;
      }
      ASSERT_TRUE(each.display || IsPrintable(text)) << each.name;
      ASSERT_EQ(ValuesOf(*xml), With(marked, Printable(text))) << each.name;
      replaced += Printable(text) != text ? 1 : 0;
    }
    *each.text = before;
  }
  EXPECT_GE(next, kStrings);
  EXPECT_GT(refused, 100);
  EXPECT_GT(replaced, 10);
  std::printf("%zu texts, %zu documents, %d refused\n", whole.texts.size(), next, refused);
}

}  // namespace
}  // namespace kilonova::testing
