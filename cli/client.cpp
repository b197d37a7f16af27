// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <fstream>
#include <iterator>

#include "cli/table.h"
#include "common/base/clock.h"
#include "proto/grpc/channel.h"
#include "proto/grpc/status.h"

namespace kilonova::cli {

Expected<std::unique_ptr<Client>> Client::Connect(const GlobalOptions& options) {
  grpc::ChannelOptions channel_options;
  channel_options.target = options.server;
  channel_options.tls = {.ca = options.ca, .cert = options.cert, .key = options.key};
  ASSIGN_OR_RETURN(auto channel, grpc::MakeChannel(channel_options));
  return std::unique_ptr<Client>(new Client(options, std::move(channel)));
}

Status Client::Call(const std::function<::grpc::Status(::grpc::ClientContext*)>& call) const {
  ::grpc::ClientContext context;
  grpc::SetDeadline(&context, options_.timeout);
  return grpc::FromGrpc(call(&context));
}

int FailUsage(const std::string& message) {
  std::cerr << "kilonova: " << Printable(message) << "\n";
  return kExitUsage;
}

int Fail(const Status& status) {
  std::cerr << "kilonova: " << ReasonOf(status) << ": " << Printable(Message(status)) << "\n";
  for (const auto& [key, value] : DetailsOf(status)) {
    std::cerr << "  " << Printable(key) << ": " << Printable(value) << "\n";
  }
  // A status without a reason of the scheduler's comes from the connection itself.
  const bool ours = ReasonOf(status) != reason::kInternal.name;
  if (status.code() == Code::kUnavailable) {
    return ours && ReasonOf(status) != reason::kUnavailable.name ? kExitRetry : kExitUnreachable;
  }
  if (status.code() == Code::kDeadlineExceeded) return kExitUnreachable;
  if (status.code() == Code::kResourceExhausted || status.code() == Code::kAborted) {
    return kExitRetry;
  }
  return kExitFailed;
}

std::string TimeText(std::int64_t micros) {
  return micros == 0 ? "" : FormatNovaTime(FromMicros(micros));
}

Status AddPairs(const std::vector<std::string>& pairs, const std::string& option,
                const std::function<void(const std::string&, const std::string&)>& add) {
  for (const std::string& pair : pairs) {
    const auto eq = pair.find('=');
    if (eq == std::string::npos || eq == 0) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   option + " takes key=value, not '" + pair + "'");
    }
    add(pair.substr(0, eq), pair.substr(eq + 1));
  }
  return OkStatus();
}

Expected<std::string> ReadFile(const std::string& path, std::size_t most) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, path + ": cannot read");
  }
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (text.size() > most) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 path + ": larger than " + std::to_string(most) + " bytes");
  }
  return text;
}

}  // namespace kilonova::cli
