// SPDX-License-Identifier: Apache-2.0
// The command line: instances and what they are made of. The operators' part: parse_operators.cpp.
#include "cli/parse.h"

#include <iostream>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/options.h"
#include "cli/parse_parts.h"
#include "common/base/version.h"

namespace kilonova::cli {
namespace {

void Seconds(CLI::App* command, const std::string& name, std::chrono::milliseconds* out,
             const std::string& help) {
  command
      ->add_option_function<double>(
          name,
          [out](const double& seconds) {
            *out = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
          },
          help)
      ->check(CLI::Range(0.001, 86400.0 * 365));
}

void AddWait(CLI::App* command, bool* wait, std::chrono::milliseconds* timeout) {
  command->add_flag("--wait,-w", *wait, "wait until it is done, telling progress on stderr");
  Seconds(command, "--wait-timeout", timeout, "seconds to wait at most (600)");
}

void AddInstance(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("instance", "instances")->require_subcommand(1);
  {
    auto o = Make<CreateOptions>();
    auto* c = group->add_subcommand("create", "make instances");
    c->add_option("name", o->what.name, "display name")->required();
    AddTemplate(c, &o->what, true);
    c->add_option("--admin-password", o->what.admin_password, "given to the guest, never stored");
    c->add_option("--count", o->count, "how many")->check(CLI::Range(1, 1000));
    c->add_option("--request-id", o->request_id, "repeat safely under this id");
    AddWait(c, &o->wait, &o->wait_timeout);
    Bind(c, chosen, [o](const Client& client) { return CreateInstances(client, *o); });
  }
  {
    auto o = Make<ListInstancesOptions>();
    auto* c = group->add_subcommand("list", "list instances, newest first");
    c->add_option("--project", o->project, "of this project");
    c->add_option("--host", o->host, "on this host");
    c->add_option("--state", o->state, "with this vm_state: active, error...");
    c->add_option("--name", o->name, "with exactly this name");
    c->add_option("--flavor", o->flavor, "of this flavorid");
    c->add_option("--image", o->image, "of this image id");
    c->add_flag("--deleted", o->deleted, "deleted ones, kept for a day");
    Bind(c, chosen, [o](const Client& client) { return ListInstances(client, *o); });
  }
  using Command = int (*)(const Client&, const InstanceOptions&);
  const auto one = [&](const char* name, const char* help, Command command, bool acts) {
    auto o = Make<InstanceOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("instance", o->instance, "uuid, or the name of exactly one")->required();
    if (acts) {
      c->add_option("--request-id", o->request_id, "repeat safely under this id");
      AddWait(c, &o->wait, &o->wait_timeout);
    }
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
    return std::make_pair(c, o);
  };
  one("show", "show one instance", ShowInstance, false);
  one("delete", "delete an instance", DeleteInstance, true);
  one("start", "start a stopped instance", StartInstance, true);
  one("stop", "stop an instance, asking the guest first", StopInstance, true);
  auto [reboot, reboot_options] = one("reboot", "reboot an instance", RebootInstance, true);
  reboot->add_flag("--hard", reboot_options->hard, "pull the plug and build its domain anew");
  auto [console, console_options] =
      one("console", "print the end of the serial console", ConsoleOutput, false);
  console->add_option("--bytes", console_options->max_bytes, "how much of the end")
      ->check(CLI::Range(1, 102400));
  console->add_flag("--serial", console_options->serial,
                    "print host:port of its serial consoles instead, one a line");
}

void AddFlavorFields(CLI::App* c, FlavorOptions* o) {
  c->add_option("--extra", o->extra_specs, "extra spec key=value")->allow_extra_args(false);
  c->add_option("--description", o->description, "text");
}

void AddExtraSpecs(CLI::App* group, Chosen* chosen, const GlobalOptions& global) {
  auto pattern = Make<std::string>();
  auto* c = group->add_subcommand("extra-specs", "explain the extra specs flavors may have");
  c->add_option("pattern", *pattern, "part of a key, or a key with * and ?");
  c->callback([chosen, pattern, &global] {
    chosen->offline = [pattern, &global] { return ListExtraSpecs(*pattern, global.format); };
  });
}

void AddFlavor(CLI::App* app, Chosen* chosen, const GlobalOptions& global) {
  CLI::App* group = app->add_subcommand("flavor", "flavors")->require_subcommand(1);
  {
    auto o = Make<FlavorOptions>();
    auto* c = group->add_subcommand("create", "make a flavor");
    c->add_option("name", o->name, "name")->required();
    c->add_option("--id", o->flavorid, "flavorid; a random uuid if left out");
    c->add_option("--vcpus", o->vcpus, "virtual CPUs")->required();
    c->add_option("--memory", o->memory_mb, "MiB")->required();
    c->add_option("--disk", o->root_gb, "GiB of root disk; 0: as large as the image")->required();
    c->add_option("--ephemeral", o->ephemeral_gb, "GiB");
    c->add_option("--swap", o->swap_mb, "MiB");
    c->add_option("--rxtx-factor", o->rxtx_factor, "above 0");
    c->add_flag("--private", o->is_private, "not public");
    c->add_flag("--disabled", o->disabled, "no new instances");
    AddFlavorFields(c, o.get());
    Bind(c, chosen, [o](const Client& client) { return CreateFlavor(client, *o); });
  }
  {
    auto o = Make<FlavorOptions>();
    auto* c = group->add_subcommand("load", "make the flavors of a file or directory");
    c->add_option("path", o->file, "YAML file, directory of such, or Nova's JSON")->required();
    c->add_flag("--check", o->check, "only say what is wrong with them; needs no scheduler");
    c->callback([chosen, o] {
      if (o->check) {
        chosen->offline = [o] { return CheckFlavors(*o); };
      } else {
        chosen->run = [o](const Client& client) { return LoadFlavors(client, *o); };
      }
    });
  }
  AddExtraSpecs(group, chosen, global);
  Bind(group->add_subcommand("list", "list flavors"), chosen, ListFlavors);
  using Command = int (*)(const Client&, const FlavorOptions&);
  const auto one = [&](const char* name, const char* help, Command command) {
    auto o = Make<FlavorOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("flavor", o->name, "flavorid or name")->required();
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
    return std::make_pair(c, o);
  };
  one("show", "show one flavor", ShowFlavor);
  one("delete", "delete a flavor; instances keep theirs", DeleteFlavor);
  auto [update, options] = one("update", "replace extra specs and description", UpdateFlavor);
  AddFlavorFields(update, options.get());
}

void AddImage(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("image", "images")->require_subcommand(1);
  {
    auto o = Make<ImageOptions>();
    auto* c = group->add_subcommand("register", "tell the scheduler of an image");
    c->add_option("name", o->name, "name")->required();
    c->add_option("source", o->url, "a local path, file://, http:// or https:// URL")->required();
    c->add_option("--id", o->id, "uuid; random if left out");
    c->add_option("--sha256", o->sha256, "of the file; computed for a local path");
    c->add_option("--size", o->size, "bytes; computed for a local path");
    c->add_option("--disk-format", o->disk_format, "qcow2, raw, iso, aki, ari, ami");
    c->add_option("--container-format", o->container_format, "bare");
    c->add_option("--min-disk", o->min_disk, "GiB");
    c->add_option("--min-ram", o->min_ram, "MiB");
    c->add_option("--property", o->properties, "key=value, e.g. hw_machine_type=q35")
        ->allow_extra_args(false);
    Bind(c, chosen, [o](const Client& client) { return RegisterImage(client, *o); });
  }
  Bind(group->add_subcommand("list", "list images"), chosen, ListImages);
  using Command = int (*)(const Client&, const ImageOptions&);
  const auto one = [&](const char* name, const char* help, Command command) {
    auto o = Make<ImageOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("image", o->name, "id or unique name")->required();
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
  };
  one("show", "show one image", ShowImage);
  one("delete", "forget an image; running instances keep their disks", DeleteImage);
}

void AddNetwork(CLI::App* app, Chosen* chosen) {
  CLI::App* group = app->add_subcommand("network", "networks")->require_subcommand(1);
  {
    auto o = Make<NetworkOptions>();
    auto* c = group->add_subcommand("create", "tell the scheduler of a network hosts have");
    c->add_option("name", o->name, "name")->required();
    c->add_option("--id", o->id, "uuid; random if left out");
    auto* libvirt = c->add_option("--libvirt-network", o->libvirt_network, "libvirt network");
    c->add_option("--bridge", o->bridge, "Linux bridge")->excludes(libvirt);
    c->add_option("--mtu", o->mtu, "bytes (1500)");
    auto* dhcp = c->add_flag("--dhcp", o->dhcp, "addresses come from the network's own DHCP");
    c->add_option("--cidr", o->cidr, "addresses the scheduler gives out of")->excludes(dhcp);
    c->add_option("--gateway", o->gateway, "address");
    c->add_option("--pool-start", o->pool_start, "first address");
    c->add_option("--pool-end", o->pool_end, "last address");
    c->add_option("--dns", o->dns, "DNS server")->allow_extra_args(false);
    Bind(c, chosen, [o](const Client& client) { return CreateNetwork(client, *o); });
  }
  Bind(group->add_subcommand("list", "list networks"), chosen, ListNetworks);
  using Command = int (*)(const Client&, const NetworkOptions&);
  const auto one = [&](const char* name, const char* help, Command command) {
    auto o = Make<NetworkOptions>();
    auto* c = group->add_subcommand(name, help);
    c->add_option("network", o->name, "id or name")->required();
    Bind(c, chosen, [o, command](const Client& client) { return command(client, *o); });
  };
  one("show", "show one network", ShowNetwork);
  one("delete", "forget a network no instance has a port on", DeleteNetwork);
}

void AddGlobal(CLI::App* app, GlobalOptions* global) {
  app->add_option("--server,-s", global->server, "unix:/path or host:port of the scheduler")
      ->envname("KILONOVA_SERVER");
  app->add_option("--ca", global->ca, "PEM file the server's certificate is checked with")
      ->envname("KILONOVA_CA");
  app->add_option("--cert", global->cert, "PEM file of our certificate")->envname("KILONOVA_CERT");
  app->add_option("--key", global->key, "PEM file of our key")->envname("KILONOVA_KEY");
  app->add_option_function<std::string>(
         "--output,-o",
         [global](const std::string& text) {
           global->format = text == "json"   ? Format::kJson
                            : text == "yaml" ? Format::kYaml
                                             : Format::kTable;
         },
         "table, json or yaml (table)")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  Seconds(app, "--timeout", &global->timeout, "seconds for one call (30)");
}

}  // namespace

void AddTemplate(CLI::App* command, TemplateOptions* what, bool need) {
  auto* flavor = command->add_option("--flavor,-f", what->flavor, "flavorid or name");
  auto* image = command->add_option("--image,-i", what->image, "image id or unique name");
  if (need) {
    flavor->required();
    image->required();
  }
  command->add_option("--network,-n", what->networks, "network id or name, one NIC each")
      ->allow_extra_args(false);
  command->add_option("--availability-zone", what->availability_zone,
                      "zone; for operators: zone:host, zone:host:node");
  command->add_option("--host", what->host, "for operators: only this host, if filters let it");
  command->add_option("--node", what->node, "for operators: only this hypervisor hostname");
  command->add_option("--meta", what->metadata, "key=value of the instance's metadata")
      ->allow_extra_args(false);
  command->add_option("--hint", what->hints, "scheduler hint key=value, e.g. group=UUID")
      ->allow_extra_args(false);
  command->add_option("--user-data", what->user_data_file, "file given to the guest");
  command->add_flag("--config-drive", what->config_drive, "attach a config drive");
  command->add_option("--key-name", what->key_name, "name of the key of --public-key");
  command->add_option("--public-key", what->public_key_file, "OpenSSH public key file");
  command->add_option("--project", what->project, "project id");
  command->add_option("--user", what->user, "user id");
}

int Main(int argc, char** argv) {
  CLI::App app{"Kilonova: instances, flavors, images, networks and hosts of a cloud", "kilonova"};
  app.set_version_flag("--version", std::string("kilonova ") + kVersion);
  app.require_subcommand(1);
  // --server and -o may stand after the command as well.
  app.fallthrough();
  GlobalOptions global;
  Chosen chosen;
  AddGlobal(&app, &global);
  AddInstance(&app, &chosen);
  AddFlavor(&app, &chosen, global);
  AddImage(&app, &chosen);
  AddNetwork(&app, &chosen);
  AddHost(&app, &chosen);
  AddAggregate(&app, &chosen);
  AddServerGroup(&app, &chosen);
  AddSharingProvider(&app, &chosen);
  AddPlacement(&app, &chosen);
  auto* completion = app.add_subcommand("completion", "print a completion script");
  std::string shell;
  completion->add_option("shell", shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  completion->callback([&chosen] {
    chosen.offline = [] {
      std::cout << BashCompletion();
      return kExitOk;
    };
  });
  // Subcommands of subcommands reach the global options too.
  for (CLI::App* group : app.get_subcommands({})) {
    group->fallthrough();
    for (CLI::App* command : group->get_subcommands({})) command->fallthrough();
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version come this way too, with code 0.
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (chosen.offline) return chosen.offline();
  const auto client = Client::Connect(global);
  if (!client.ok()) return FailUsage(Message(client.status()));
  return chosen.run(**client);
}

}  // namespace kilonova::cli
