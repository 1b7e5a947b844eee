# shellcheck shell=bash disable=SC2034
# Shared by the test scripts; sourced, never run.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() { say "error: $*"; exit 1; }

# Runs a command up to three times: package registries fail for a moment now and then.
try_thrice() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    [ "$attempt" = 3 ] || sleep $((attempt * 5))
  done
  return 1
}

# Installs Debian packages when they are missing. Needs root and apt; says what to install where it has neither.
install_packages() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "error: please install: $*"
    return 1
  fi
  if [ -z "${packages_updated:-}" ]; then
    try_thrice apt-get -qq update >/dev/null || say "warning: the package lists could not be renewed"
    packages_updated=yes
  fi
  say "installing $*"
  DEBIAN_FRONTEND=noninteractive try_thrice apt-get -qq -y --no-install-recommends install "$@" >/dev/null </dev/null
}

# A TCP port of 127.0.0.1 that nobody listens on now, below those that the system hands out by itself.
find_port() {
  local port
  while :; do
    port=$((15000 + RANDOM % 15000))
    # connecting fails when nobody listens
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { printf '%s\n' "$port"; return 0; }
  done
}
