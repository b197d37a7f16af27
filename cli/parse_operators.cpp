// SPDX-License-Identifier: Apache-2.0
// The command line of hosts, aggregates, zones, server groups and placement.
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/parse_parts.h"

namespace kilonova::cli {

void AddHost(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("host", "compute hosts")->require_subcommand(1);
  Bind(group->add_subcommand("list", "list hosts with what is claimed"), chosen, ListHosts);
  const auto one = [&](const char* name, const char* help,
                       int (*command)(const Client&, const std::string&)) {
    auto host = Make<std::string>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("host", *host, "name")->required();
    Bind(c, chosen, [host, command](const Client& client) { return command(client, *host); });
  };
  one("show", "show one host", ShowHost);
  one("enable", "let new instances in", EnableHost);
  auto host = Make<std::string>();
  auto why = Make<std::string>();
  auto* disable = group->add_subcommand("disable", "no new instances; what runs stays");
  disable->add_option("host", *host, "name")->required();
  disable->add_option("--reason", *why, "why, for the next operator")->required();
  Bind(disable, chosen,
       [host, why](const Client& client) { return DisableHost(client, *host, *why); });
}

void AddAggregate(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("aggregate", "host aggregates")->require_subcommand(1);
  using Command = int (*)(const Client&, const AggregateOptions&);
  const auto one = [&](const char* name, const char* help, Command command) {
    auto o = Make<AggregateOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("aggregate", o->aggregate, "id or name")->required();
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
    return std::make_pair(c, o);
  };
  auto [create, made] = one("create", "make an aggregate of this name", CreateAggregate);
  create->add_option("--zone", made->zone, "make it an availability zone");
  Bind(group->add_subcommand("list", "list aggregates"), chosen, ListAggregates);
  one("show", "show one aggregate with its hosts", ShowAggregate);
  auto [update, changed] = one("update", "rename it, or make it a zone", UpdateAggregate);
  update->add_option("--name", changed->name, "new name");
  update->add_option("--zone", changed->zone, "new availability zone");
  one("delete", "delete an aggregate without hosts", DeleteAggregate);
  auto [add, added] = one("add-host", "put a host into it", AddAggregateHost);
  add->add_option("host", added->host, "host")->required();
  auto [remove, removed] = one("remove-host", "take a host out of it", RemoveAggregateHost);
  remove->add_option("host", removed->host, "host")->required();
  auto [set, metadata] = one("set-metadata", "set and remove metadata", SetAggregateMetadata);
  set->add_option("metadata", metadata->metadata, "key=value");
  set->add_option("--remove", metadata->remove, "key to remove")->allow_extra_args(false);

  CLI::App* zones = app->add_subcommand("zone", "availability zones")->require_subcommand(1);
  auto zone = Make<ZoneOptions>();
  auto* list = zones->add_subcommand("list", "list zones");
  list->add_flag("--hosts", zone->hosts, "name the hosts too");
  Bind(list, chosen, [zone](const Client& client) { return ListZones(client, *zone); });
}

void AddServerGroup(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("server-group", "instances that keep together or apart")
                        ->require_subcommand(1);
  {
    auto o = Make<ServerGroupOptions>();
    auto* c = group->add_subcommand("create", "make a server group");
    c->add_option("name", o->group, "name")->required();
    c->add_option("--policy", o->policy, "what its members do")
        ->required()
        ->check(
            CLI::IsMember({"affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"}));
    c->add_option("--max-server-per-host", o->max_server_per_host, "with anti-affinity only")
        ->check(CLI::Range(1, 2147483647));
    c->add_option("--project", o->project, "project id");
    c->add_option("--user", o->user, "user id");
    Bind(c, chosen, [o](const Client& client) { return CreateServerGroup(client, *o); });
  }
  {
    auto o = Make<ServerGroupOptions>();
    auto* c = group->add_subcommand("list", "list server groups");
    c->add_option("--project", o->project, "of this project");
    Bind(c, chosen, [o](const Client& client) { return ListServerGroups(client, *o); });
  }
  using Command = int (*)(const Client&, const ServerGroupOptions&);
  const auto one = [&](const char* name, const char* help, Command command) {
    auto o = Make<ServerGroupOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("server-group", o->group, "id, or the name of exactly one")->required();
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
  };
  one("show", "show one server group with its members", ShowServerGroup);
  one("delete", "delete a server group; its members run on", DeleteServerGroup);
}

void AddSharingProvider(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("sharing-provider", "what hosts of aggregates share")
                        ->require_subcommand(1);
  using Command = int (*)(const Client&, const SharingProviderOptions&);
  const auto one = [&](const char* name, const char* help, Command command) {
    auto o = Make<SharingProviderOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("sharing-provider", o->name, "name")->required();
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
    return std::make_pair(c, o);
  };
  auto [create, o] = one("create", "make a provider of this name", CreateSharingProvider);
  create->add_option("--aggregate", o->aggregates, "whose hosts it serves")
      ->required()
      ->allow_extra_args(false);
  create->add_option("--inventory", o->inventories, "CLASS=TOTAL, e.g. DISK_GB=10000")
      ->required()
      ->allow_extra_args(false);
  create->add_option("--reserved", o->reserved, "CLASS=AMOUNT")->allow_extra_args(false);
  create->add_option("--ratio", o->ratios, "CLASS=ALLOCATION_RATIO")->allow_extra_args(false);
  create->add_option("--trait", o->traits, "trait")->allow_extra_args(false);
  Bind(group->add_subcommand("list", "list sharing providers"), chosen, ListSharingProviders);
  one("show", "show one with what is used of it", ShowSharingProvider);
  one("delete", "delete one of which nothing is used", DeleteSharingProvider);
}

void AddPlacement(CLI::App* app, Chosen* chosen) {
  {
    auto o = Make<ExplainOptions>();
    auto* c = app->add_subcommand("explain", "why a request goes where it goes, or nowhere");
    c->add_option("instance", o->instance, "an instance that found no host; or give a template");
    AddTemplate(c, &o->what, false);
    o->what.name = "explain";
    c->add_option("--most", o->most_hosts, "hosts listed (100)")->check(CLI::Range(1, 1000));
    Bind(c, chosen, [o](const Client& client) {
      if (o->instance.empty() && (o->what.flavor.empty() || o->what.image.empty())) {
        return FailUsage("explain needs an instance, or --flavor and --image");
      }
      return Explain(client, *o);
    });
  }
  {
    auto o = Make<ExplainOptions>();
    auto* c = app->add_subcommand("dry-run", "where instances would go, claiming nothing");
    AddTemplate(c, &o->what, true);
    o->what.name = "dry-run";
    c->add_option("--count", o->count, "how many")->check(CLI::Range(1, 1000));
    Bind(c, chosen, [o](const Client& client) { return DryRun(client, *o); });
  }
  {
    auto o = Make<WhatFitsOptions>();
    auto* c = app->add_subcommand("what-fits", "how many more instances would be placed now");
    AddTemplate(c, &o->what, false);
    o->what.name = "what-fits";
    c->add_flag("--hosts", o->hosts, "host by host too");
    Bind(c, chosen, [o](const Client& client) { return WhatFits(client, *o); });
  }
  {
    auto o = Make<WatchOptions>();
    auto* c = app->add_subcommand("watch", "stream changes of instances");
    c->add_option("instances", o->instances, "only these uuids");
    c->add_option("--project", o->project, "of this project");
    c->add_option("--cursor", o->cursor, "go on after this cursor");
    Bind(c, chosen, [o](const Client& client) { return WatchInstances(client, *o); });
  }
}

}  // namespace kilonova::cli
