#!/usr/bin/env bash
# Runs a command against a fresh server: serve.sh sqlite|POSTGRES-URL PATH COMMAND…
#
# PATH is what the issuer has behind host and port ("" or "/api/v1/auth"). The command finds the server, a person and the declared apps in its
# environment (ISSUER, USER_EMAIL, …: see below). The server is stopped afterwards; its log is shown when the command failed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../setup/lib.sh"

[ $# -ge 3 ] || die "usage: serve.sh sqlite|POSTGRES-URL PATH COMMAND…"
database=$1
path=$2
shift 2
gatepost=${GATEPOST_TEST_BINARY:-$repository/target/debug/gatepost}
[ -x "$gatepost" ] || die "$gatepost does not exist; cargo build makes it"

work=$(mktemp -d "${TMPDIR:-/tmp}/gatepost-interop.XXXXXX")
server=
finish() {
  local status=$?
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  if [ "$status" != 0 ] && [ -f "$work/server.log" ]; then
    say "--- end of the server's log"
    tail -n 40 "$work/server.log" >&2
  fi
  [ -z "${schema:-}" ] || psql_or_nothing "DROP DATABASE IF EXISTS $schema WITH (FORCE)"
  rm -rf "$work"
}
trap finish EXIT

psql_or_nothing() { "$repository/tests/setup/postgres.sh" sql "$database" "$1" >/dev/null 2>&1 || true; }

random_text() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
hash_of() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

case "$database" in
  sqlite) url=sqlite:$work/gatepost.db ;;
  postgres://*)
    schema=interop_$$_$RANDOM
    "$repository/tests/setup/postgres.sh" sql "$database" "CREATE DATABASE $schema" >/dev/null
    url=${database%/*}/$schema
    ;;
  *) die "the database is sqlite or a postgres:// address" ;;
esac

port=$(find_port)
export ISSUER=http://127.0.0.1:$port$path
export USER_EMAIL=ada@example.com USER_NAME="Ada Lovelace"
USER_PASSWORD=$(random_text)
export NATIVE_ID=interop-cli NATIVE_REDIRECT=http://127.0.0.1/callback
export BASIC_ID=interop.web_basic BASIC_REDIRECT=https://basic.example/callback
export POST_ID=interop-web-post POST_REDIRECT=https://post.example/callback
export SERVICE_ID=interop-service
export API_ID=notes-api API_RESOURCE=https://notes.example/api OTHER_API_ID=mail-api OTHER_API_RESOURCE=https://mail.example/api
BASIC_SECRET=$(random_text)
POST_SECRET=$(random_text)
SERVICE_SECRET=$(random_text)
API_SECRET=$(random_text)
OTHER_API_SECRET=$(random_text)
export USER_PASSWORD BASIC_SECRET POST_SECRET SERVICE_SECRET API_SECRET OTHER_API_SECRET

cat >"$work/gatepost.toml" <<TOML
[server]
public_url = "$ISSUER"
listen = "127.0.0.1:$port"
shutdown_delay = "0s"

[database]
url = "$url"

[security]
master_key_path = "$work/master.key"

[tokens]
# without the time in which a refresh token that comes twice is taken for an accident
reuse_grace = "0s"

[log]
format = "text"

[[resource_servers]]
id = "$API_ID"
name = "Notes API"
resource = "$API_RESOURCE"
secret_hash = "$(hash_of "$API_SECRET")"
scopes = [
  { name = "notes:read", description = "Read your notes" },
  { name = "notes:write", description = "Change and delete your notes", sensitive = true },
]

[[resource_servers]]
id = "$OTHER_API_ID"
name = "Mail API"
resource = "$OTHER_API_RESOURCE"
secret_hash = "$(hash_of "$OTHER_API_SECRET")"
scopes = [{ name = "mail:read", description = "Read your mail" }]

[[clients]]
client_id = "$NATIVE_ID"
name = "Interop CLI"
kind = "native"
redirect_uris = ["$NATIVE_REDIRECT"]
scopes = ["notes:read", "notes:write", "offline_access"]

[[clients]]
client_id = "$BASIC_ID"
name = "Interop Web Basic"
kind = "web"
auth_method = "client_secret_basic"
secret_hash = "$(hash_of "$BASIC_SECRET")"
redirect_uris = ["$BASIC_REDIRECT"]
scopes = ["notes:read", "notes:write", "offline_access"]

[[clients]]
client_id = "$POST_ID"
name = "Interop Web Post"
kind = "web"
auth_method = "client_secret_post"
secret_hash = "$(hash_of "$POST_SECRET")"
redirect_uris = ["$POST_REDIRECT"]
scopes = ["notes:read", "notes:write", "offline_access"]

[[clients]]
client_id = "$SERVICE_ID"
name = "Interop Service"
kind = "service"
secret_hash = "$(hash_of "$SERVICE_SECRET")"
scopes = ["notes:read"]
TOML

"$gatepost" --config "$work/gatepost.toml" serve >"$work/server.log" 2>&1 </dev/null &
server=$!
for _ in $(seq 200); do
  if curl --silent --fail --max-time 2 --output /dev/null "$ISSUER/readyz"; then
    ready=yes
    break
  fi
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
[ -n "${ready:-}" ] || die "the server did not become ready at $ISSUER/readyz"

printf '%s\n' "$USER_PASSWORD" |
  "$gatepost" --config "$work/gatepost.toml" user add --email "$USER_EMAIL" --name "$USER_NAME" --password-stdin --json >"$work/user.json" ||
  die "the person could not be added"

# not exec: the server must be stopped afterwards
"$@"
