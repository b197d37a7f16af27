// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/validate.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "common/hardware/image_props.h"

namespace kilonova::scheduler::core {
namespace {

Status Invalid(std::string_view field, std::string_view message,
               Reason why = reason::kInvalidArgument) {
  return Error(Code::kInvalidArgument, why, message, {{"field", std::string(field)}});
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The code point at `at`, which moves on; -1 for what is not UTF-8 (overlong forms, surrogates and
// beyond U+10FFFF included).
std::int32_t NextCodePoint(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at++);
  if (lead < 0x80) return static_cast<std::int32_t>(lead);
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || at + more > text.size()) return -1;
  std::uint32_t point = lead & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i, ++at) {
    if ((byte(at) & 0xC0) != 0x80) return -1;
    point = (point << 6) | (byte(at) & 0x3FU);
  }
  static constexpr std::array<std::uint32_t, 4> kLeast{0, 0x80, 0x800, 0x10000};
  if (point < kLeast[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return -1;
  return static_cast<std::int32_t>(point);
}

Status CheckMetadata(const std::map<std::string, std::string>& metadata) {
  if (metadata.size() > 128) return Invalid("metadata", "at most 128 metadata entries");
  for (const auto& [key, value] : metadata) {
    RETURN_IF_ERROR(CheckMetadataKey("metadata", key));
    RETURN_IF_ERROR(CheckText("metadata", value, 0, 255));
  }
  return OkStatus();
}

// Line breaks are allowed, as base64 tools write them.
bool IsBase64(std::string_view text) {
  std::size_t digits = 0, padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      if (++padding > 2) return false;
    } else if (padding != 0 || !(IsAlnum(c) || c == '+' || c == '/')) {
      return false;
    }
    ++digits;
  }
  return digits % 4 == 0;
}

// Length before content, so that no two different requests give the same bytes.
class Canonical {
 public:
  Canonical& operator()(std::string_view text) {
    hash_.Update(std::to_string(text.size()) + ":");
    hash_.Update(text);
    return *this;
  }
  Canonical& operator()(std::int64_t number) { return (*this)(std::to_string(number)); }
  std::string Finish() { return hash_.FinishHex(); }

 private:
  Sha256 hash_;
};

void AppendUtf8(std::string& out, std::int32_t point) {  // below U+0100
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

// Python's \w within Latin-1.
bool IsWord(std::int32_t c) {
  if (c < 0x80) return IsAlnum(static_cast<char>(c)) || c == '_';
  return c == 0xAA || c == 0xB5 || c == 0xBA || c == 0xB2 || c == 0xB3 || c == 0xB9 ||
         (c >= 0xBC && c <= 0xBE) || (c >= 0xC0 && c != 0xD7 && c != 0xF7);
}
std::int32_t Lower(std::int32_t c) {
  const bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
  return upper ? c + 32 : c;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (NextCodePoint(text, at) < 0) return false;
  }
  return true;
}

Status CheckText(std::string_view field, std::string_view text, std::size_t least,
                 std::size_t most) {
  const std::string name(field);
  if (text.size() < least || text.size() > most) {
    return Invalid(field, name + " must be " + std::to_string(least) + " to " +
                              std::to_string(most) + " bytes long");
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t point = NextCodePoint(text, at);
    if (point < 0) return Invalid(field, name + " is not valid UTF-8");
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) {
      return Invalid(field, name + " must not hold control characters");
    }
    // Not characters, and no XML can carry them.
    if (point == 0xFFFE || point == 0xFFFF) {
      return Invalid(field, name + " holds a code point that is no character");
    }
  }
  return OkStatus();
}

Status CheckName(std::string_view field, std::string_view text) {
  RETURN_IF_ERROR(CheckText(field, text, 1, 255));
  if (text.front() != ' ' && text.back() != ' ') return OkStatus();
  return Invalid(field, std::string(field) + " must not begin or end with a space");
}

Status CheckZoneName(std::string_view field, std::string_view text) {
  RETURN_IF_ERROR(CheckName(field, text));
  if (text.find(':') == std::string_view::npos) return OkStatus();
  return Invalid(field, std::string(field) + " must not hold a colon");
}

Status CheckMetadataKey(std::string_view field, std::string_view key) {
  const bool plain = std::ranges::all_of(key, [](char c) {
    return IsAlnum(c) || c == '-' || c == '_' || c == ':' || c == '.' || c == ' ';
  });
  if (!key.empty() && key.size() <= 255 && plain) return OkStatus();
  return Invalid(field, "metadata keys are 1 to 255 of [A-Za-z0-9-_:. ]");
}

Status CheckRequestId(std::string_view id) {
  const bool good = std::ranges::all_of(
      id, [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
  if (!id.empty() && id.size() <= 64 && good) return OkStatus();
  return Invalid("request_id", "request_id must be 1 to 64 of [A-Za-z0-9._-]");
}

Status CheckTemplate(const InstanceTemplate& t) {
  RETURN_IF_ERROR(CheckText("name", t.name, 1, 255));
  if (t.name.find_first_not_of(' ') == std::string::npos) {
    return Invalid("name", "name must not be blank");
  }
  RETURN_IF_ERROR(CheckText("flavor", t.flavor, 1, 255));
  RETURN_IF_ERROR(CheckText("image", t.image, 1, 255));
  if (t.networks.size() > 32) return Invalid("networks", "at most 32 networks");
  for (const std::string& network : t.networks) {
    RETURN_IF_ERROR(CheckText("networks", network, 1, 255));
  }
  RETURN_IF_ERROR(ParseZone(t.availability_zone).status());
  if (!t.requested_host.empty() && !IsValidHostName(t.requested_host)) {
    return Invalid("host", "host is not a host name");
  }
  if (!t.requested_node.empty() && !IsValidHostName(t.requested_node)) {
    return Invalid("hypervisor_hostname", "hypervisor_hostname is not a host name");
  }
  const bool forced = t.availability_zone.find(':') != std::string::npos;
  if (forced && (!t.requested_host.empty() || !t.requested_node.empty())) {
    return Invalid("availability_zone", "a forced host and a host asked for exclude each other");
  }
  RETURN_IF_ERROR(CheckMetadata(t.metadata));
  if (t.user_data.size() > 65535) return Invalid("user_data", "user_data is above 65535 bytes");
  if (!IsBase64(t.user_data)) return Invalid("user_data", "user_data is not base64");
  RETURN_IF_ERROR(CheckText("key_name", t.key_name, 0, 255));
  std::string_view key = t.public_key;
  if (key.ends_with('\n')) key.remove_suffix(1);
  RETURN_IF_ERROR(CheckText("public_key", key, 0, 16384));
  RETURN_IF_ERROR(CheckText("admin_password", t.admin_password, 0, 255));
  RETURN_IF_ERROR(CheckText("project_id", t.project_id, 0, 255));
  return CheckText("user_id", t.user_id, 0, 255);
}

std::string DigestOf(const CreateRequest& request) {
  const InstanceTemplate& t = request.instance;
  Canonical out;
  out("kilonova create 1")(request.count == 0 ? 1 : request.count);
  out(t.name)(t.flavor)(t.image)(static_cast<std::int64_t>(t.networks.size()));
  for (const std::string& network : t.networks) out(network);
  out(t.availability_zone)(static_cast<std::int64_t>(t.metadata.size()));
  for (const auto& [key, value] : t.metadata) out(key)(value);
  out(t.user_data)(t.config_drive ? 1 : 0)(t.key_name)(t.public_key)(t.admin_password);
  if (!t.requested_host.empty() || !t.requested_node.empty()) {
    out("requested")(t.requested_host)(t.requested_node);
  }
  out(t.project_id)(t.user_id)(static_cast<std::int64_t>(t.hints.size()));
  for (const auto& [key, values] : t.hints) {
    out(key)(static_cast<std::int64_t>(values.size()));
    for (const std::string& value : values) out(value);
  }
  return out.Finish();
}

Expected<ZoneRequest> ParseZone(std::string_view text) {
  RETURN_IF_ERROR(CheckText("availability_zone", text, 0, 767));
  const auto colon = text.find(':');
  ZoneRequest zone{std::string(text.substr(0, colon)), {}, {}};
  RETURN_IF_ERROR(CheckText("availability_zone", zone.zone, 0, 255));
  if (colon == std::string_view::npos) return zone;
  const std::string_view rest = text.substr(colon + 1);
  const auto second = rest.find(':');
  zone.host = rest.substr(0, second);
  if (second != std::string_view::npos) zone.node = rest.substr(second + 1);
  const bool host = IsValidHostName(zone.host) || (zone.host.empty() && !zone.node.empty());
  const bool node = second == std::string_view::npos || IsValidHostName(zone.node);
  if (host && node) return zone;
  return Invalid("availability_zone",
                 "availability_zone must be a zone, zone:host or zone:host:node");
}

Status CheckImage(model::ImageSource& image) {
  const auto bad = [](std::string_view field, std::string_view message) {
    return Invalid(field, message, reason::kImageInvalid);
  };
  const auto text = [&](std::string_view field, const std::string& value, std::size_t least,
                        std::size_t most) {
    const Status status = CheckText(field, value, least, most);
    return status.ok() ? status : bad(field, Message(status));
  };
  RETURN_IF_ERROR(text("name", image.name, 1, 255));
  RETURN_IF_ERROR(text("url", image.url, 1, 4096));
  const std::string_view url = image.url;
  const bool web = url.starts_with("http://") || url.starts_with("https://");
  const auto host =
      url.find("://") == std::string_view::npos ? "" : url.substr(url.find("://") + 3);
  const bool file = url.starts_with("file:///") && url.size() > 8;
  if (!file && !(web && !host.empty() && host.front() != '/' && host.front() != '?')) {
    return bad("url", "url must be file:///absolute/path, http://... or https://...");
  }
  if (file && (url.find("/../") != std::string_view::npos || url.ends_with("/.."))) {
    return bad("url", "url must not climb with '..'");
  }
  if (url.find(' ') != std::string_view::npos) return bad("url", "url must not hold spaces");
  const bool hex = std::ranges::all_of(
      image.sha256, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (image.sha256.size() != 64 || !hex) {
    return bad("sha256", "sha256 must be 64 lower-case hex digits");
  }
  static constexpr std::array<std::string_view, 6> kDisk{"qcow2", "raw", "iso",
                                                         "aki",   "ari", "ami"};
  if (std::ranges::find(kDisk, image.disk_format) == kDisk.end()) {
    return bad("disk_format", "disk_format must be qcow2, raw, iso, aki, ari or ami");
  }
  if (image.container_format.empty()) image.container_format = "bare";
  static constexpr std::array<std::string_view, 4> kContainer{"bare", "aki", "ari", "ami"};
  if (std::ranges::find(kContainer, image.container_format) == kContainer.end()) {
    return bad("container_format", "container_format must be bare, aki, ari or ami");
  }
  if (image.size_bytes > static_cast<std::uint64_t>(INT64_MAX)) {
    return bad("size_bytes", "size_bytes is larger than any file");
  }
  if (image.min_disk_gb < 0 || image.min_disk_gb > INT32_MAX) {
    return bad("min_disk_gb", "min_disk_gb must be 0 to 2147483647");
  }
  if (image.min_ram_mb < 0 || image.min_ram_mb > INT32_MAX) {
    return bad("min_ram_mb", "min_ram_mb must be 0 to 2147483647");
  }
  if (image.properties.size() > 128) return bad("properties", "at most 128 properties");
  for (const auto& [key, value] : image.properties) {
    RETURN_IF_ERROR(text("properties", key, 1, 255));
    // A kernel command line may be long.
    RETURN_IF_ERROR(text("properties", value, 0, 4096));
  }
  // What Nova could not make sense of would fail every build from this image.
  return hardware::ImageProps::From(image.properties).status();
}

std::string SanitizeHostname(std::string_view name) {
  std::vector<std::int32_t> points;
  for (std::size_t at = 0; at < name.size() && points.size() < 63;) {
    const std::int32_t point = NextCodePoint(name, at);
    if (point >= 0 && point < 0x100) points.push_back(point);
  }
  std::vector<std::int32_t> kept;
  for (std::int32_t c : points) {
    if (c == ' ' || c == '_' || c == '.') c = '-';
    if (c == '-' || IsWord(c)) kept.push_back(Lower(c));
  }
  while (!kept.empty() && kept.back() == '-') kept.pop_back();
  std::string out;
  for (std::int32_t c : kept) {
    if (out.empty() && c == '-') continue;
    AppendUtf8(out, c);
  }
  return out;
}

Names NamesOf(const std::string& name, const Uuid& uuid, std::int64_t count, std::int64_t index) {
  Names names{name, SanitizeHostname(name)};
  const std::string suffix = count > 1 ? "-" + std::to_string(index + 1) : "";
  names.hostname = names.hostname.empty() ? "Server-" + uuid.str() : names.hostname + suffix;
  names.display_name += suffix;
  return names;
}

std::string MakePageToken(std::string_view list, std::string_view last) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string token =
      Sha256Hex("page " + std::to_string(list.size()) + ":" + std::string(list) + std::string(last))
          .substr(0, 12);
  for (char c : last) {
    token += kHex[(static_cast<unsigned char>(c) >> 4) & 0xF];
    token += kHex[static_cast<unsigned char>(c) & 0xF];
  }
  return token;
}

Expected<std::string> ReadPageToken(std::string_view list, const std::string& token) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string last;
  for (std::size_t i = 12; i + 1 < token.size(); i += 2) {
    last += static_cast<char>(digit(token[i]) * 16 + digit(token[i + 1]));
  }
  if (token.size() >= 12 && MakePageToken(list, last) == token) return last;
  return Error(Code::kInvalidArgument, reason::kPageTokenInvalid,
               "the page token does not belong to this list");
}

Expected<std::size_t> PageSize(const PageRequest& page) {
  if (page.page_size < 0) return Invalid("page_size", "page_size must not be negative");
  if (page.page_size == 0) return std::size_t{100};
  return static_cast<std::size_t>(std::min<std::int64_t>(page.page_size, 1000));
}

}  // namespace kilonova::scheduler::core
