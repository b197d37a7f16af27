// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/secrets.h"

#include "agent/adapters/libvirt/errors.h"

namespace kilonova::agent::adapters::libvirt {

Status SetTpmSecret(virConnectPtr connect, const Uuid& instance, const std::string& passphrase) {
  const std::string& uuid = instance.str();
  const std::string xml = "<secret ephemeral='yes' private='yes'><uuid>" + uuid +
                          "</uuid><usage type='vtpm'><name>" + uuid + "</name></usage></secret>";
  const SecretHandle secret(virSecretDefineXML(connect, xml.c_str(), 0));
  if (!secret) return LastError("making the secret of the guest's TPM known failed");
  const auto* bytes = reinterpret_cast<const unsigned char*>(passphrase.data());
  if (virSecretSetValue(secret.get(), bytes, passphrase.size(), 0) < 0) {
    return LastError("making the secret of the guest's TPM known failed");
  }
  return OkStatus();
}

Status ForgetTpmSecret(virConnectPtr connect, const Uuid& instance) {
  const SecretHandle secret(virSecretLookupByUUIDString(connect, instance.str().c_str()));
  if (!secret && LastErrorCode() == VIR_ERR_NO_SECRET) return OkStatus();
  if (!secret) return LastError("looking up the secret of the guest's TPM failed");
  const char* usage = virSecretGetUsageID(secret.get());
  if (virSecretGetUsageType(secret.get()) != VIR_SECRET_USAGE_TYPE_VTPM || usage == nullptr ||
      instance.str() != usage) {
    return Error(Code::kFailedPrecondition, reason::kHypervisorRefused,
                 "a secret of the instance's id is on the host but is not its TPM's");
  }
  if (virSecretUndefine(secret.get()) < 0 && LastErrorCode() != VIR_ERR_NO_SECRET) {
    return LastError("forgetting the secret of the guest's TPM failed");
  }
  return OkStatus();
}

}  // namespace kilonova::agent::adapters::libvirt
