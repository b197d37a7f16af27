// SPDX-License-Identifier: Apache-2.0
// What the commands share: a unary call of a service's stub, and what of its answer is printed.
//
//   v1::GetHostRequest request;
//   request.set_host(host);
//   return CallAndPrint(client, &Service::Stub::GetHost, request, &v1::GetHostResponse::host,
//   Print);
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <type_traits>
#include <vector>

#include "cli/client.h"

namespace kilonova::cli {

template <class Stub, class Request, class Response>
using Method = ::grpc::Status (Stub::*)(::grpc::ClientContext*, const Request&, Response*);

// The answer, or the error.
template <class Stub, class Request, class Response>
Expected<Response> Call(const Client& client, Method<Stub, Request, Response> method,
                        const std::type_identity_t<Request>& request) {
  Stub stub(client.channel());
  Response response;
  RETURN_IF_ERROR(client.Call(
      [&](::grpc::ClientContext* context) { return (stub.*method)(context, request, &response); }));
  return response;
}

// The exit code; what the answer says is of no interest.
template <class Stub, class Request, class Response>
int CallOnly(const Client& client, Method<Stub, Request, Response> method,
             const std::type_identity_t<Request>& request) {
  const auto response = Call(client, method, request);
  return response.ok() ? kExitOk : Fail(response.status());
}

// The exit code; `print` gets the one message the answer is about.
template <class Stub, class Request, class Response, class Item>
int CallAndPrint(const Client& client, Method<Stub, Request, Response> method,
                 const std::type_identity_t<Request>& request,
                 const Item& (Response::*item)() const, int (*print)(const Client&, const Item&)) {
  const auto response = Call(client, method, request);
  return response.ok() ? print(client, ((*response).*item)()) : Fail(response.status());
}

// Follows a List call over all its pages and prints what they hold; `table` makes the table.
template <class Stub, class Request, class Response, class Item>
int ListAndPrint(const Client& client, Method<Stub, Request, Response> method,
                 std::type_identity_t<Request> request,
                 const google::protobuf::RepeatedPtrField<Item>& (Response::*items)() const,
                 std::string (*table)(const std::vector<Item>&)) {
  std::vector<Item> all;
  request.set_page_size(1000);
  do {
    const auto page = Call(client, method, request);
    if (!page.ok()) return Fail(page.status());
    all.insert(all.end(), ((*page).*items)().begin(), ((*page).*items)().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return PrintList<Item>(client.format(), all, table);
}

}  // namespace kilonova::cli
