// SPDX-License-Identifier: Apache-2.0
// YAML as operators write it, and no more: at most 256 KiB, 16 levels, no anchors, aliases or tags,
// no duplicate keys, one document. yaml-cpp alone keeps the first of two equal keys and says
// nothing.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace kilonova::runtime {

// `name` stands for the text in errors ("agent.yaml:12: duplicate key 'host'"). INVALID_ARGUMENT /
// CONFIG_INVALID with details "file" and "line".
Expected<YAML::Node> ParseYaml(std::string_view text, const std::string& name);

// A regular file that is not writable by group or others, at most 256 KiB and one byte of it.
Expected<std::string> ReadConfigFile(const std::filesystem::path& path);
// Reads and parses a regular file that is not writable by group or others.
Expected<YAML::Node> LoadYamlFile(const std::filesystem::path& path);

// "file:line" of a node; lines count from 1.
std::string Where(const std::string& name, const YAML::Node& node);
Status YamlError(const std::string& name, const YAML::Mark& mark, std::string_view message);

}  // namespace kilonova::runtime
