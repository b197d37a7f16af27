// SPDX-License-Identifier: Apache-2.0
// The connection to the scheduler, and how its errors become lines on stderr and exit codes.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/render.h"
#include "common/base/status.h"

namespace grpc {
class Channel;
}

namespace kilonova::cli {

class Client {
 public:
  static Expected<std::unique_ptr<Client>> Connect(const GlobalOptions& options);

  const GlobalOptions& options() const { return options_; }
  std::shared_ptr<::grpc::Channel> channel() const { return channel_; }
  Format format() const { return options_.format; }

  // One unary call with the deadline set: `call` gets the context and returns gRPC's status.
  Status Call(const std::function<::grpc::Status(::grpc::ClientContext*)>& call) const;

 private:
  Client(GlobalOptions options, std::shared_ptr<::grpc::Channel> channel)
      : options_(std::move(options)), channel_(std::move(channel)) {}
  GlobalOptions options_;
  std::shared_ptr<::grpc::Channel> channel_;  // gRPC's own ownership
};

// "kilonova: REASON: message" with what details help, on stderr. Returns the exit code.
int Fail(const Status& status);
int FailUsage(const std::string& message);

// Prints a list as the format says; the table is made by `table`.
template <class Item>
int PrintList(Format format, const std::vector<Item>& items,
              const std::function<std::string(const std::vector<Item>&)>& table) {
  if (format == Format::kTable) {
    std::cout << table(items);
    return kExitOk;
  }
  std::vector<const google::protobuf::Message*> messages;
  messages.reserve(items.size());
  for (const Item& item : items) messages.push_back(&item);
  std::cout << RenderList(messages, format);
  return kExitOk;
}

// "2026-11-22T14:44:28Z"; "" for 0.
std::string TimeText(std::int64_t micros);
// Splits "key=value"; usage error when there is no '=' or no key.
Status AddPairs(const std::vector<std::string>& pairs, const std::string& option,
                const std::function<void(const std::string&, const std::string&)>& add);
Expected<std::string> ReadFile(const std::string& path, std::size_t most);

}  // namespace kilonova::cli
