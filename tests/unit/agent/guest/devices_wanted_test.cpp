// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/devices_wanted.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

using agent::guest::DevicesWantedOf;

TEST(DevicesWanted, TpmOnlyWhereSwtpmIsEnabled) {
  auto config = PlainConfig();
  auto request = PlainRequest();
  EXPECT_FALSE(DevicesWantedOf(config, request)->tpm);
  request.image.properties["hw_tpm_version"] = "2.0";
  const auto refused = DevicesWantedOf(config, request).status();
  EXPECT_TRUE(HasReason(refused, reason::kFeatureNotServed)) << Describe(refused);
  EXPECT_EQ(DetailsOf(refused)["value"], "2.0");
  config.swtpm_enabled = true;
  EXPECT_TRUE(DevicesWantedOf(config, request)->tpm);
  request.flavor.extra_specs["hw:tpm_version"] = "1.2";
  EXPECT_FALSE(DevicesWantedOf(config, request).ok()) << "flavor and image differ";
  request.image.properties.clear();
  request.flavor.extra_specs["hw:tpm_model"] = "tpm-crb";
  EXPECT_FALSE(DevicesWantedOf(config, request).ok()) << "it needs version 2.0";
}

TEST(DevicesWanted, SerialPortsOnlyWhereConsolesAreEnabled) {
  auto config = PlainConfig();
  auto request = PlainRequest();
  request.flavor.extra_specs["hw:serial_port_count"] = "3";
  EXPECT_EQ(DevicesWantedOf(config, request)->serial_ports, 0);
  config.console.serial_enabled = true;
  EXPECT_EQ(DevicesWantedOf(config, request)->serial_ports, 3);
  request.flavor.extra_specs["hw:serial_port_count"] = "4";
  EXPECT_TRUE(HasReason(DevicesWantedOf(config, request).status(), reason::kFlavorInvalid));
  request.flavor.extra_specs.clear();
  EXPECT_EQ(DevicesWantedOf(config, request)->serial_ports, 1) << "as in Nova, one unasked";
}

TEST(DevicesWanted, TpmsSecretIsKnownByTheInstancesId) {
  auto config = PlainConfig();
  config.swtpm_enabled = true;
  auto request = PlainRequest();
  request.flavor.extra_specs["hw:tpm_version"] = "2.0";
  const std::string xml = XmlOrError(config, request, UefiHost());
  EXPECT_NE(xml.find("<encryption secret=\"" + request.instance.uuid.str() + "\""),
            std::string::npos)
      << xml;
}

}  // namespace
}  // namespace kilonova::testing
