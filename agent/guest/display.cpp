// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/image_text.h"
#include "agent/guest/refusal.h"
#include "agent/guest/text.h"
#include "common/base/python_text.h"

namespace kilonova::agent::guest {
namespace {

std::string VideoModel(const Context& context) {
  if (const auto model = context.input.image.Text("hw_video_model"); model && !model->empty()) {
    return std::string(*model);
  }
  const bool spice = context.config.console.spice_enabled;
  if (context.x86() && !spice) return "virtio";
  if (HasWord("ppc ppc64 ppc64le", context.arch)) return "vga";
  if (context.arch == "aarch64" || context.arch == "mipsel") return "virtio";
  return spice ? "qxl" : "virtio";
}

Status AddVideo(const Context& context, Domain& domain) {
  VideoDevice video;
  video.model = VideoModel(context);
  const std::int64_t wanted = context.input.image.Integer("hw_video_ram").value_or(0);
  std::int64_t most = 0;  // MiB
  if (const std::string text = context.extra_spec("hw_video:ram_max_mb"); !text.empty()) {
    const auto number = PyInt(text);
    if (!number) {
      return Refuse(reason::kFlavorInvalid, "ValueError",
                    "hw_video:ram_max_mb is not a number: " + Printable(text),
                    {{"key", "hw_video:ram_max_mb"}});
    }
    most = *number;
  }
  if (wanted > most) {
    return Refuse(reason::kImageInvalid, "RequestedVRamTooHigh",
                  "the image wants " + std::to_string(wanted) +
                      " MiB of video memory, the flavor "
                      "allows " +
                      std::to_string(most),
                  {{"key", "hw_video_ram"}});
  }
  if (most != 0 && wanted != 0) video.vram_kib = wanted * 1024;
  domain.devices.emplace_back(std::move(video));
  return OkStatus();
}

void AddPointer(const Context& context, Domain& domain) {
  const ConsoleConfig& config = context.config.console;
  std::string bus = TextOr(context.input.image, "hw_input_bus");
  const bool usb = context.input.image.Text("hw_pointer_model").has_value() ||
                   config.pointer_model == "usbtablet";
  if (bus.empty() && usb) bus = "usb";
  if (bus.empty() || domain.boot.type != "hvm") return;
  // SPICE's agent brings a mouse of its own; VNC needs one.
  if (config.spice_enabled && config.spice_agent_enabled && !config.vnc_enabled) return;
  domain.devices.emplace_back(InputDevice{"tablet", bus});
}

void AddKeyboard(const Context& context, Domain& domain) {
  std::string bus = TextOr(context.input.image, "hw_input_bus");
  if (bus.empty() && context.arch == "aarch64") bus = "usb";  // it has no other
  if (!bus.empty()) domain.devices.emplace_back(InputDevice{"keyboard", bus});
}

}  // namespace

Status DescribeDisplay(const Context& context, Domain& domain) {
  const ConsoleConfig& config = context.config.console;
  if (config.spice_enabled && config.spice_agent_enabled) {
    domain.devices.emplace_back(ChannelDevice{"spicevmc", "", "com.redhat.spice.0"});
  }
  if (config.vnc_enabled) domain.devices.emplace_back(GraphicsDevice{"vnc", config.vnc_listen});
  if (config.spice_enabled) {
    domain.devices.emplace_back(GraphicsDevice{"spice", config.spice_listen});
  }
  if (!config.vnc_enabled && !config.spice_enabled) return OkStatus();
  RETURN_IF_ERROR(AddVideo(context, domain));
  AddPointer(context, domain);
  AddKeyboard(context, domain);
  return OkStatus();
}

}  // namespace kilonova::agent::guest
