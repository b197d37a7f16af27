// SPDX-License-Identifier: Apache-2.0
// JsonFilter: hosts the hint query is true for.
#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"
#include "scheduler/filters/json_query.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedJsonFilter : public core::PreparedFilter {
 public:
  PreparedJsonFilter(JsonQuery query, std::string text)
      : query_(std::move(query)), text_(std::move(text)) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    return query_.Judge(fleet, host);
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    verdict.need = "the query " + text_;
    const Judgement judgement = Judge(fleet, host);
    verdict.have = judgement == Judgement::kPass     ? "true"
                   : judgement == Judgement::kRefuse ? "false"
                                                     : "no answer: it compares what cannot be";
  }

 private:
  JsonQuery query_;
  std::string text_;
};

class JsonFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "JsonFilter"; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& request) const override {
    const auto hint = request.hints.find("query");
    if (hint == request.hints.end() || hint->second.empty()) return nullptr;
    if (hint->second.size() > 1) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "there may be one query at most", {{"field", "scheduler_hints.query"}});
    }
    const std::string& text = hint->second.front();
    if (text.empty()) return nullptr;
    ASSIGN_OR_RETURN(JsonQuery query, JsonQuery::Parse(text));
    return std::make_unique<PreparedJsonFilter>(std::move(query), text);
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeJsonFilter(const FilterOptions& /*options*/) {
  return std::make_unique<JsonFilter>();
}

}  // namespace kilonova::scheduler::filters
