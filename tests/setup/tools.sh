#!/usr/bin/env bash
# Installs what a layer of the tests needs and this computer lacks: tools.sh rust|interop|browser
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_postgres() {
  "$repository/tests/setup/postgres.sh" bin >/dev/null 2>&1 || install_packages postgresql
}

# Node 20 is the least that the libraries ask for.
need_node() {
  local major
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    install_packages nodejs npm
  fi
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$major" -ge 20 ] || die "Node.js is version $major; the libraries need at least 20"
}

# Installs exactly the locked packages, unless they are there already.
install_node_packages() {
  local folder=$1 stamp=$1/node_modules/.locked
  if [ -f "$stamp" ] && cmp -s "$stamp" "$folder/package-lock.json"; then return 0; fi
  (cd "$folder" && try_thrice npm ci --ignore-scripts --no-audit --no-fund --silent)
  cp "$folder/package-lock.json" "$stamp"
}

install_python_packages() {
  local folder=$repository/tests/interop/python venv=$repository/target/test-venv
  local stamp=$venv/requirements.txt
  if [ -f "$stamp" ] && cmp -s "$stamp" "$folder/requirements.txt"; then return 0; fi
  rm -rf "$venv"
  if ! python3 -m venv "$venv" 2>/dev/null; then
    install_packages python3 python3-venv python3-pip
    # the Python that Debian's packages belong to, in case another one comes first in PATH
    /usr/bin/python3 -m venv "$venv"
  fi
  try_thrice "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r "$folder/requirements.txt"
  cp "$folder/requirements.txt" "$stamp"
}

# Finds Chromium by name; prints its path.
find_chromium() {
  local name
  for name in "${GATEPOST_TEST_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && command -v "$name" && return 0
  done
  return 1
}

case "${1:-}" in
  rust) need_postgres; need_node; install_node_packages "$repository/tests/interop/provider" ;;
  interop) need_postgres; need_node; install_node_packages "$repository/tests/interop/node"; install_python_packages ;;
  browser)
    need_node
    find_chromium >/dev/null || install_packages chromium
    command -v curl >/dev/null || install_packages curl
    command -v sqlite3 >/dev/null || install_packages sqlite3
    install_node_packages "$repository/tests/browser"
    install_node_packages "$repository/tests/interop/provider"
    ;;
  chromium) find_chromium ;;
  *) die "usage: tools.sh rust|interop|browser|chromium" ;;
esac
