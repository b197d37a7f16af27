// SPDX-License-Identifier: Apache-2.0
// libvirt's objects with an owner. Internal to agent/adapters/libvirt.
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace kilonova::agent::adapters::libvirt {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using DomainHandle = std::unique_ptr<virDomain, FreeWith<virDomainFree>>;
using NetworkHandle = std::unique_ptr<virNetwork, FreeWith<virNetworkFree>>;
using SecretHandle = std::unique_ptr<virSecret, FreeWith<virSecretFree>>;
using CText = std::unique_ptr<char, FreeWith<std::free>>;
// Shared: calls in flight keep a connection that has been given up until they return.
using ConnectHandle = std::shared_ptr<virConnect>;

inline std::string TakeText(char* text) {
  const CText owned(text);
  return owned ? std::string(owned.get()) : std::string();
}

}  // namespace kilonova::agent::adapters::libvirt
