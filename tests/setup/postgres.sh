#!/usr/bin/env bash
# A PostgreSQL cluster of the tests' own: postgres.sh start|stop|restart|kill|url|remove|bin [FOLDER]
# and postgres.sh sql URL STATEMENT, which runs one statement.
#
# FOLDER (or GATEPOST_TEST_PG_DIR) holds its data, its port and its log. The port stays the same over stop and start, so that a test can take the
# database away and give it back. `kill` is a stop without notice, as in a crash. A test that needs an outage makes a cluster of its own with a
# folder of its own: the shared one has other tests on it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

verb=${1:-}
folder=${2:-${GATEPOST_TEST_PG_DIR:-$repository/target/test-postgres}}

# The newest installed server's programs; Debian keeps them out of PATH.
find_bin() {
  local candidate
  for candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn) "$(pg_config --bindir 2>/dev/null || true)" "$(dirname "$(command -v pg_ctl || echo /none)")"; do
    [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ] && { printf '%s\n' "$candidate"; return 0; }
  done
  return 1
}

# PostgreSQL refuses to run as root. The environment is kept short: its settings belong to the tests.
as_owner() {
  if [ "$(id -u)" = 0 ]; then
    runuser -u postgres -- env -i PATH="$PATH" LANG=C.UTF-8 "$@"
  else
    env -i PATH="$PATH" HOME="${HOME:-/}" LANG=C.UTF-8 "$@"
  fi
}

is_running() { as_owner "$bin/pg_ctl" --pgdata "$data" status >/dev/null 2>&1; }

# The user postgres may not be able to enter the checkout, for example below /root: then the data is in a temporary folder.
make_folder() {
  mkdir -p "$folder"
  local place=$folder
  if [ "$(id -u)" = 0 ]; then
    chmod 711 "$folder"
    runuser -u postgres -- test -x "$folder" 2>/dev/null || place=$(mktemp -d "${TMPDIR:-/tmp}/gatepost-postgres.XXXXXX")
    install -d -o postgres -m 700 "$place/data"
    chmod 711 "$place"
  else
    mkdir -p -m 700 "$place/data"
  fi
  printf '%s\n' "$place" > "$folder/place"
}

init_cluster() {
  make_folder
  data=$(cat "$folder/place")/data
  as_owner "$bin/initdb" --pgdata "$data" --username postgres --auth trust --encoding UTF8 --locale C --no-sync >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; die "initdb failed"; }
  as_owner sh -c 'cat >> "$1"' sh "$data/postgresql.conf" <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 128MB
fsync = on
logging_collector = off
timezone = 'UTC'
log_min_messages = warning
CONF
}

start_cluster() {
  local attempt
  [ -f "$folder/place" ] || init_cluster
  data=$(cat "$folder/place")/data
  is_running && return 0
  for attempt in 1 2 3 4 5; do
    # a port that was good once is kept: tests that wait for the database to return know it
    [ -f "$folder/port" ] || find_port > "$folder/port"
    if as_owner "$bin/pg_ctl" --pgdata "$data" --log "$data/server.log" --wait --timeout 60 --options "-p $(cat "$folder/port")" start >/dev/null; then
      touch "$folder/started"
      return 0
    fi
    [ -f "$folder/started" ] || rm -f "$folder/port"
  done
  as_owner cat "$data/server.log" >&2 || true
  die "PostgreSQL did not start"
}

stop_cluster() {
  [ -f "$folder/place" ] || return 0
  data=$(cat "$folder/place")/data
  is_running || return 0
  as_owner "$bin/pg_ctl" --pgdata "$data" --mode "$1" --wait --timeout 60 stop >/dev/null
}

bin=$(find_bin) || die "no PostgreSQL server is installed; tests/setup/tools.sh rust installs one"
case "$verb" in
  start) start_cluster ;;
  stop) stop_cluster fast ;;
  kill) stop_cluster immediate ;;
  restart) stop_cluster fast; start_cluster ;;
  url) printf 'postgres://postgres@127.0.0.1:%s/postgres\n' "$(cat "$folder/port")" ;;
  remove)
    stop_cluster immediate
    if [ -f "$folder/place" ]; then rm -rf "$(cat "$folder/place")"; fi
    rm -rf "$folder"
    ;;
  # without the settings of whoever runs it
  sql) "$bin/psql" --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$3" "$2" </dev/null ;;
  bin) printf '%s\n' "$bin" ;;
  *) die "usage: postgres.sh start|stop|restart|kill|url|remove|bin [FOLDER]" ;;
esac
