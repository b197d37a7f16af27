// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/settings.h"

#include <charconv>

namespace kilonova::amqp {
namespace {

Status BadUrl(std::string_view what) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid,
               std::string("broker URL: ") + std::string(what), {{"field", "url"}});
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Expected<std::string> Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return BadUrl("bad percent-encoding");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos) return BadUrl("NUL in a component");
  return out;
}

// "host", "host:port", "[v6]:port".
Status ReadAuthority(std::string_view text, ConnectionSettings* settings) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return BadUrl("unclosed [");
    settings->host = std::string(text.substr(1, close - 1));
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return BadUrl("text after ]");
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const auto colon = text.find(':');
    settings->host = std::string(text.substr(0, colon));
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return BadUrl("empty port");
    }
  }
  if (settings->host.empty()) return BadUrl("no host");
  if (port.empty()) return OkStatus();
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535) {
    return BadUrl("port must be 1 to 65535");
  }
  settings->port = static_cast<std::uint16_t>(number);
  return OkStatus();
}

}  // namespace

Expected<ConnectionSettings> ParseUrl(std::string_view url) {
  ConnectionSettings settings;
  if (url.starts_with("amqps://")) {
    settings.tls = TlsSettings{};
    settings.port = 5671;
    url.remove_prefix(8);
  } else if (url.starts_with("amqp://")) {
    url.remove_prefix(7);
  } else {
    return BadUrl("must begin with amqp:// or amqps://");
  }
  if (url.find_first_of("?#") != std::string_view::npos) return BadUrl("? and # are not served");
  const auto slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  if (slash != std::string_view::npos && slash + 1 < url.size()) {
    const std::string_view vhost = url.substr(slash + 1);
    if (vhost.find('/') != std::string_view::npos) return BadUrl("/ in the vhost must be %2F");
    ASSIGN_OR_RETURN(settings.vhost, Unescape(vhost));
  }
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const auto colon = login.find(':');
    ASSIGN_OR_RETURN(settings.user, Unescape(login.substr(0, colon)));
    if (colon != std::string_view::npos) {
      ASSIGN_OR_RETURN(settings.password, Unescape(login.substr(colon + 1)));
    }
  }
  RETURN_IF_ERROR(ReadAuthority(authority, &settings));
  return settings;
}

std::string Describe(const ConnectionSettings& settings) {
  return std::string(settings.tls ? "amqps://" : "amqp://") + settings.user + "@" + settings.host +
         ":" + std::to_string(settings.port) + (settings.vhost == "/" ? "/" : "/" + settings.vhost);
}

}  // namespace kilonova::amqp
