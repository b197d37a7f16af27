// SPDX-License-Identifier: Apache-2.0
// The parts of a domain's document. Each appends its elements, in Nova's order. Internal to
// agent/guest.
#pragma once

#include "agent/guest/domain.h"
#include "agent/guest/xml_writer.h"

namespace kilonova::agent::guest {

// xml_metadata.cpp
void WriteMetadata(XmlWriter& xml, pugi::xml_node root, const Domain& domain);
// xml_memory.cpp
void WriteMemoryBacking(XmlWriter& xml, pugi::xml_node root, const MemoryBacking& backing);
void WriteNumaTune(XmlWriter& xml, pugi::xml_node root, const NumaTune& tune);
// xml_cpu.cpp
void WriteCpuTune(XmlWriter& xml, pugi::xml_node root, const CpuTune& tune);
void WriteCpu(XmlWriter& xml, pugi::xml_node root, const Cpu& cpu);
// xml_board.cpp
void WriteSmbios(XmlWriter& xml, pugi::xml_node root, const Smbios& smbios);
void WriteBoot(XmlWriter& xml, pugi::xml_node root, const Boot& boot);
void WriteFeatures(XmlWriter& xml, pugi::xml_node root, const Features& features);
void WriteClock(XmlWriter& xml, pugi::xml_node root, const Clock& clock);
// xml_disk.cpp, xml_interface.cpp
void WriteDisk(XmlWriter& xml, pugi::xml_node devices, const DiskDevice& disk);
void WriteInterface(XmlWriter& xml, pugi::xml_node devices, const InterfaceDevice& nic);
// xml_devices.cpp
void WriteDevice(XmlWriter& xml, pugi::xml_node devices, const Device& device);

}  // namespace kilonova::agent::guest
