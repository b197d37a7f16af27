// SPDX-License-Identifier: Apache-2.0
#include "scheduler/app/options.h"

#include <cstdint>
#include <utility>

#include "scheduler/core/metric_settings.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::app {
namespace {

using namespace std::chrono_literals;  // clang-tidy 14 sees no use of a single literal

void ReadApi(runtime::Config& config, Options* options) {
  options->api.listen = config.String("listen", "127.0.0.1:9500");
  options->api.tls.ca = config.String("tls.ca", "");
  options->api.tls.cert = config.String("tls.cert", "");
  options->api.tls.key = config.String("tls.key", "");
  options->api.tls.require_client_certificate =
      config.Bool("tls.require_client_certificate", options->api.tls.enabled());
  options->api.reflection = config.Bool("reflection", true);
}

Status ReadAmqp(runtime::Config& config, Options* options) {
  const std::string url = config.String("amqp.url", "amqp://guest:guest@127.0.0.1:5672/");
  const std::string password = config.Secret("amqp.password");
  amqp::TlsSettings tls{.ca_file = config.String("amqp.tls.ca", ""),
                        .cert_file = config.String("amqp.tls.cert", ""),
                        .key_file = config.String("amqp.tls.key", "")};
  const bool external = config.Choice("amqp.login", "plain", {"plain", "external"}) == "external";
  ASSIGN_OR_RETURN(options->amqp, amqp::ParseUrl(url));
  if (!password.empty()) options->amqp.password = password;
  if (options->amqp.tls) options->amqp.tls = std::move(tls);
  if (external) options->amqp.login = amqp::LoginMethod::kExternal;
  options->amqp.name = "kilonova-scheduler";
  return OkStatus();
}

void ReadFilterOptions(runtime::Config& config, filters::FilterOptions* options) {
  options->max_io_ops_per_host =
      config.Int("placement.max_io_ops_per_host", options->max_io_ops_per_host, 0, INT32_MAX);
  options->max_instances_per_host =
      config.Int("placement.max_instances_per_host", options->max_instances_per_host, 1, INT32_MAX);
  options->isolated_images = config.List("placement.isolated_images", {});
  options->isolated_hosts = config.List("placement.isolated_hosts", {});
  options->restrict_isolated_hosts_to_isolated_images =
      config.Bool("placement.restrict_isolated_hosts_to_isolated_images", true);
  options->aggregate_image_properties_isolation_namespace =
      config.String("placement.aggregate_image_properties_isolation_namespace", "");
  options->aggregate_image_properties_isolation_separator =
      config.String("placement.aggregate_image_properties_isolation_separator", ".");
  options->packing_host_numa_cells_allocation_strategy =
      config.Bool("placement.packing_host_numa_cells_allocation_strategy", false);
}

void ReadWeigherOptions(runtime::Config& config, weighers::WeigherOptions* options) {
  constexpr double kMost = 1e12;
  for (const auto& [name, value] : config.Doubles("placement.weight_multipliers")) {
    options->multipliers.emplace(name, value);
  }
  options->metrics_weight_setting = config.List("placement.metrics.weight_setting", {});
  options->image_props_weight_setting = config.List("placement.image_props_weight_setting", {});
  options->metrics_required = config.Bool("placement.metrics.required", true);
  options->metrics_weight_of_unavailable =
      config.Double("placement.metrics.weight_of_unavailable",
                    options->metrics_weight_of_unavailable, -kMost, kMost);
}

Status ReadPlacement(runtime::Config& config, PlacementOptions* options) {
  options->filters = config.List("placement.enabled_filters", filters::DefaultFilters());
  options->weighers = config.List("placement.weight_classes", weighers::DefaultWeighers());
  options->filter_options.default_availability_zone =
      config.String("placement.default_availability_zone", "nova");
  options->filter_options.image_properties_default_architecture =
      config.String("placement.image_properties_default_architecture", "");
  ReadFilterOptions(config, &options->filter_options);
  ReadWeigherOptions(config, &options->weigher_options);
  // One setting, read by the filter that wants the metrics and the weigher that weighs them.
  options->filter_options.metrics_weight_setting = options->weigher_options.metrics_weight_setting;
  std::vector<std::string> bad;
  core::ParseMetricSettings(options->weigher_options.metrics_weight_setting, &bad);
  if (!bad.empty()) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "placement.metrics.weight_setting must list name=number, not " + bad.front());
  }
  bad.clear();
  core::ParseMetricSettings(options->weigher_options.image_props_weight_setting, &bad);
  if (!bad.empty()) {
    return Error(
        Code::kInvalidArgument, reason::kConfigInvalid,
        "placement.image_props_weight_setting must list property=number, not " + bad.front());
  }
  options->host_subset_size =
      static_cast<std::size_t>(config.Int("placement.host_subset_size", 1, 1, 1000));
  options->shuffle_best_same_weighed_hosts =
      config.Bool("placement.shuffle_best_same_weighed_hosts", false);
  options->shuffle_seed =
      static_cast<std::uint64_t>(config.Int("placement.shuffle_seed", 0, 0, INT64_MAX));
  // Made here only to be judged here, with everything else that is wrong.
  RETURN_IF_ERROR(filters::MakeFilters(options->filters, options->filter_options).status());
  return weighers::MakeWeighers(options->weighers, options->weigher_options).status();
}

void ReadFlavors(runtime::Config& config, Options* options) {
  options->flavor_dir = config.String("flavor_dir", "");
  // Choice() answers nothing but what it was given.
  options->api.extra_specs_validation =
      flavors::extra_specs::ParseValidation(config.Choice("flavors.extra_specs_validation",
                                                          "strict",
                                                          {"strict", "permissive", "disabled"}))
          .value_or(flavors::extra_specs::Validation::kStrict);
}

core::RequestFilterOptions ReadRequestFilters(runtime::Config& config) {
  core::RequestFilterOptions options;
  const auto read = [&config](const std::string& name, bool& value) {
    value = config.Bool("placement." + name, value);
  };
  read("limit_tenants_to_placement_aggregate", options.limit_tenants_to_placement_aggregate);
  read("placement_aggregate_required_for_tenants",
       options.placement_aggregate_required_for_tenants);
  read("query_placement_for_availability_zone", options.query_placement_for_availability_zone);
  read("query_placement_for_image_type_support", options.query_placement_for_image_type_support);
  read("enable_isolated_aggregate_filtering", options.enable_isolated_aggregate_filtering);
  read("image_metadata_prefilter", options.image_metadata_prefilter);
  return options;
}

Status ReadConductor(runtime::Config& config, core::ConductorOptions* options) {
  options->lease = config.Duration("lease", 15s);
  options->server_groups = config.Int("quota.server_groups", 10, -1, 1000000);
  options->server_group_members = config.Int("quota.server_group_members", 10, -1, 1000000);
  options->most_count =
      config.Int("quota.instances_per_request", core::kMostCount, 1, core::kMostCount);
  options->disable_fallback_pcpu_query =
      config.Bool("placement.disable_fallback_pcpu_query", false);
  options->max_attempts = config.Int("placement.max_attempts", 3, 1, 65);
  options->default_schedule_zone = config.String("placement.default_schedule_zone", "");
  options->request_filters = ReadRequestFilters(config);
  options->retention =
      std::chrono::duration_cast<std::chrono::hours>(config.Duration("retention", 24h));
  ASSIGN_OR_RETURN(options->pci_aliases, hardware::PciAliases::Parse(config.List("pci.alias", {})));
  return OkStatus();
}

Status ReadLog(runtime::Config& config, runtime::LogOptions* options) {
  options->format = config.Choice("log.format", "text", {"text", "json", "journald"});
  options->file = config.String("log.file", "");
  ASSIGN_OR_RETURN(options->level, runtime::ParseLogLevel(config.Choice(
                                       "log.level", "info", {"debug", "info", "warn", "error"})));
  return OkStatus();
}

}  // namespace

Expected<Options> ReadOptions(runtime::Config& config) {
  Options options;
  ReadApi(config, &options);
  options.state_dir = config.String("state_dir", "/var/lib/kilonova-scheduler");
  options.database = config.String("database", (options.state_dir / "scheduler.db").string());
  ReadFlavors(config, &options);
  const Status conductor = ReadConductor(config, &options.conductor);
  options.metrics_listen = config.String("metrics.listen", "");
  options.drain = config.Duration("drain", 10s);
  const Status amqp = ReadAmqp(config, &options);
  const Status placement = ReadPlacement(config, &options.placement);
  const Status log = ReadLog(config, &options.log);
  RETURN_IF_ERROR(config.Finish());
  RETURN_IF_ERROR(conductor);
  RETURN_IF_ERROR(amqp);
  RETURN_IF_ERROR(placement);
  RETURN_IF_ERROR(log);
  RETURN_IF_ERROR(::kilonova::grpc::CheckEndpoint(options.api.listen, options.api.tls));
  options.conductor.default_availability_zone =
      options.placement.filter_options.default_availability_zone;
  RETURN_IF_ERROR(core::CheckZoneName("placement.default_availability_zone",
                                      options.conductor.default_availability_zone));
  if (const std::string& zone = options.conductor.default_schedule_zone; !zone.empty()) {
    RETURN_IF_ERROR(core::CheckZoneName("placement.default_schedule_zone", zone));
  }
  if (options.conductor.retention < std::chrono::hours(1)) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, "retention must be at least 1h",
                 {{"field", "retention"}});
  }
  const auto lease = options.conductor.lease;
  if (lease < std::chrono::milliseconds(100) || lease > std::chrono::hours(1)) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, "lease must be 100ms to 1h",
                 {{"field", "lease"}});
  }
  return options;
}

}  // namespace kilonova::scheduler::app
