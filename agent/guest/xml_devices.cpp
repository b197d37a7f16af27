// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

// One element a device, in libvirt's words.
struct Writer {
  XmlWriter& xml;
  pugi::xml_node devices;

  pugi::xml_node Add(const char* name) const { return xml.Add(devices, name); }
  void Iommu(pugi::xml_node node, bool iommu) const {
    if (iommu) xml.SetWord(xml.Add(node, "driver"), "iommu", "on");
  }

  void operator()(const DiskDevice& disk) const { WriteDisk(xml, devices, disk); }
  void operator()(const InterfaceDevice& nic) const { WriteInterface(xml, devices, nic); }

  void operator()(const ControllerDevice& controller) const {
    auto node = Add("controller");
    xml.Set(node, "type", controller.type);
    if (controller.index) xml.SetNumber(node, "index", *controller.index);
    xml.SetIf(node, "model", controller.model);
    Iommu(node, controller.iommu);
  }

  pugi::xml_node Hostdev(const char* type, const char* managed) const {
    auto node = Add("hostdev");
    xml.SetWord(node, "mode", "subsystem");
    xml.SetWord(node, "type", type);
    xml.SetWord(node, "managed", managed);
    return node;
  }

  void operator()(const HostPciDevice& device) const {
    auto address = xml.Add(xml.Add(Hostdev("pci", "yes"), "source"), "address");
    xml.Set(address, "domain", "0x" + device.address.domain);
    xml.Set(address, "bus", "0x" + device.address.bus);
    xml.Set(address, "slot", "0x" + device.address.slot);
    xml.Set(address, "function", "0x" + device.address.function);
  }

  void operator()(const MdevDevice& device) const {
    auto node = Hostdev("mdev", "no");
    xml.SetWord(node, "model", "vfio-pci");
    xml.Set(xml.Add(xml.Add(node, "source"), "address"), "uuid", device.uuid);
  }

  void operator()(const SerialDevice& serial) const {
    auto node = Add("serial");
    xml.Set(node, "type", serial.type);
    if (serial.type == "tcp") {
      auto source = xml.Add(node, "source");
      xml.SetWord(source, "mode", "bind");
      xml.Set(source, "host", serial.host);
      xml.SetNumber(source, "service", serial.port);
    }
    if (serial.log.empty()) return;
    auto log = xml.Add(node, "log");
    xml.Set(log, "file", serial.log);
    xml.SetWord(log, "append", "off");
  }

  void operator()(const ChannelDevice& channel) const {
    auto node = Add("channel");
    xml.Set(node, "type", channel.type);
    if (channel.type == "unix") {
      auto source = xml.Add(node, "source");
      xml.SetWord(source, "mode", "bind");
      xml.Set(source, "path", channel.path);
    }
    auto target = xml.Add(node, "target");
    xml.SetWord(target, "type", "virtio");
    xml.Set(target, "name", channel.target);
  }

  void operator()(const GraphicsDevice& graphics) const {
    auto node = Add("graphics");
    xml.Set(node, "type", graphics.type);
    xml.SetWord(node, "autoport", "yes");
    xml.SetIf(node, "listen", graphics.listen);
  }

  void operator()(const VideoDevice& video) const {
    auto node = Add("video");
    auto model = xml.Add(node, "model");
    xml.Set(model, "type", video.model);
    if (video.vram_kib != 0) xml.SetNumber(model, "vram", video.vram_kib);
    Iommu(node, video.iommu);
  }

  void operator()(const InputDevice& input) const {
    auto node = Add("input");
    xml.Set(node, "type", input.type);
    xml.Set(node, "bus", input.bus);
  }

  void operator()(const RngDevice& rng) const {
    auto node = Add("rng");
    xml.SetWord(node, "model", "virtio");
    if (rng.rate_period_ms != 0 && rng.rate_bytes != 0) {
      auto rate = xml.Add(node, "rate");
      xml.SetNumber(rate, "period", rng.rate_period_ms);
      xml.SetNumber(rate, "bytes", rng.rate_bytes);
    }
    xml.SetWord(xml.AddText(node, "backend", rng.backend), "model", "random");
    Iommu(node, rng.iommu);
  }

  void operator()(const TpmDevice& tpm) const {
    auto node = Add("tpm");
    xml.Set(node, "model", tpm.model);
    auto backend = xml.Add(node, "backend");
    xml.SetWord(backend, "type", "emulator");
    xml.Set(backend, "version", tpm.version);
    xml.Set(xml.Add(backend, "encryption"), "secret", tpm.secret);
  }

  void operator()(const WatchdogDevice& watchdog) const {
    auto node = Add("watchdog");
    xml.SetWord(node, "model", "i6300esb");
    xml.Set(node, "action", watchdog.action);
  }

  void operator()(const BalloonDevice& balloon) const {
    auto node = Add("memballoon");
    xml.SetWord(node, "model", "virtio");
    xml.SetNumber(xml.Add(node, "stats"), "period", balloon.stats_period);
    Iommu(node, balloon.iommu);
  }

  void operator()(const VpmemDevice& vpmem) const {
    constexpr std::int64_t kLabelKib = 2048;
    auto node = Add("memory");
    xml.SetWord(node, "model", "nvdimm");
    xml.SetWord(node, "access", "shared");
    auto source = xml.Add(node, "source");
    xml.AddText(source, "path", vpmem.path);
    xml.AddNumber(source, "alignsize", vpmem.align_kib);
    xml.Add(source, "pmem");
    auto target = xml.Add(node, "target");
    xml.AddNumber(target, "size", vpmem.size_kib);
    xml.AddNumber(target, "node", 0);
    xml.AddNumber(xml.Add(target, "label"), "size", kLabelKib);
  }

  void operator()(const IommuDevice& iommu) const {
    auto node = Add("iommu");
    xml.Set(node, "model", iommu.model);
    auto driver = xml.Add(node, "driver");
    xml.SetWord(driver, "intremap", "on");
    xml.SetWord(driver, "caching_mode", "on");
    if (iommu.aw_bits) xml.SetNumber(driver, "aw_bits", *iommu.aw_bits);
    xml.SetWord(driver, "eim", iommu.eim ? "on" : "off");
    xml.SetWord(driver, "iotlb", "on");
  }
};

}  // namespace

void WriteDevice(XmlWriter& xml, pugi::xml_node devices, const Device& device) {
  std::visit(Writer{xml, devices}, device);
}

}  // namespace kilonova::agent::guest
