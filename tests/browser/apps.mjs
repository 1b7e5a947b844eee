// Two apps that people are sent back to. Each callback redirects on to a second origin, as hosted apps do.
import crypto from "node:crypto";
import { serve_http } from "./gatepost.mjs";

const hash_of = (text) => crypto.createHash("sha256").update(text).digest("base64url");

/** Starts both origins; `settings` declares the apps to Gatepost. */
export async function start_apps() {
  const landing = await serve_http((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end("<!doctype html><html lang=en><title>Landed</title><main><h1>Landed</h1></main></html>");
  });
  const callback = await serve_http((request, response) => {
    const query = new URL(request.url, "http://127.0.0.1").search;
    // another host name, so another site for the browser
    response.writeHead(302, { location: `http://localhost:${landing.port}/landed${query}` });
    response.end();
  });
  const redirectUri = `http://127.0.0.1:${callback.port}/callback`;
  const secret = crypto.randomBytes(32).toString("base64url");
  const declare = (id, name, firstParty) => `
[[clients]]
client_id = "${id}"
name = "${name}"
kind = "web"
secret_hash = "${hash_of(secret)}"
redirect_uris = ["${redirectUri}"]
scopes = ["notes:read", "notes:write", "offline_access"]
first_party = ${firstParty}
`;
  return {
    redirectUri,
    landed: `http://localhost:${landing.port}/landed`,
    settings: declare("chain-app", "Chain Notes", false) + declare("own-app", "Own Notes", true),
    close: () => { landing.close(); callback.close(); },
  };
}

/** An authorization request of one of the apps. */
export function authorize_url(issuer, clientId, redirectUri, extra = {}) {
  const challenge = hash_of(crypto.randomBytes(32).toString("base64url"));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "notes:read notes:write offline_access",
    state: crypto.randomBytes(12).toString("base64url"),
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...extra,
  });
  return `${issuer}/oauth2/authorize?${query}`;
}
