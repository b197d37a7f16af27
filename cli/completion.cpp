// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

namespace kilonova::cli {

// Words come out of the program's own --help, so that the script is right for whatever version
// runs. Names of things come from a list call with a short timeout, and are left out on failure.
std::string BashCompletion() {
  return R"BASH(# bash completion of kilonova; load with: source <(kilonova completion bash)
_kilonova_words() {
  "${COMP_WORDS[0]}" "$@" --help 2>/dev/null | sed -n \
    -e '/^Subcommands:/,$s/^  \([a-z][a-z-]*\) .*/\1/p' \
    -e 's/^  \(-[a-z],\)\{0,1\}\(--[a-z0-9-]*\).*/\2/p'
}
_kilonova_names() {
  "${COMP_WORDS[0]}" --timeout 1 "$1" list 2>/dev/null | awk -v c="$2" 'NR > 1 {print $c}'
}
_kilonova() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word path=() words
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      instance|flavor|image|network|host|aggregate|zone|server-group|sharing-provider|\
        explain|dry-run|what-fits|watch|completion)
        path=("$word") ;;
      create|list|show|delete|start|stop|reboot|console|load|update|register|enable|disable|\
        extra-specs|add-host|remove-host|set-metadata)
        [ ${#path[@]} -eq 1 ] && path+=("$word") ;;
    esac
  done
  case $prev in
    -o|--output) words="table json yaml" ;;
    -f|--flavor) words=$(_kilonova_names flavor 2) ;;
    -i|--image) words=$(_kilonova_names image 2) ;;
    -n|--network) words=$(_kilonova_names network 2) ;;
    --host) words=$(_kilonova_names host 1) ;;
    --policy) words="affinity anti-affinity soft-affinity soft-anti-affinity" ;;
    --user-data|--public-key|--ca|--cert|--key|load|register)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    completion) words=bash ;;
    extra-specs)
      words=$("${COMP_WORDS[0]}" flavor extra-specs | awk 'NR > 1 {print $1}') ;;
    show|delete|start|stop|reboot|console|update|enable|disable|add-host|remove-host|set-metadata)
      case ${path[0]} in
        instance|server-group) words=$(_kilonova_names "${path[0]}" 1) ;;
        host|sharing-provider) words=$(_kilonova_names "${path[0]}" 1) ;;
        flavor|image|network|aggregate) words=$(_kilonova_names "${path[0]}" 2) ;;
      esac ;;
    *) words=$(_kilonova_words "${path[@]}") ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _kilonova kilonova
)BASH";
}

}  // namespace kilonova::cli
