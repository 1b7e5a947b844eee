// oauth4webapi, which checks every answer against the letter of the specifications.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { check, expectRefusal, finish, setting } from "./checks.mjs";
import { listen_loopback, Person } from "./person.mjs";

const issuer = setting("ISSUER");
const insecure = { [oauth.allowInsecureRequests]: true };
const SCOPE = "notes:read notes:write offline_access";
const apps = [
  { label: "native", client: { client_id: setting("NATIVE_ID") }, redirect: setting("NATIVE_REDIRECT"), auth: oauth.None(), native: true },
  { label: "basic", client: { client_id: setting("BASIC_ID") }, redirect: setting("BASIC_REDIRECT"), auth: oauth.ClientSecretBasic(setting("BASIC_SECRET")) },
  { label: "post", client: { client_id: setting("POST_ID") }, redirect: setting("POST_REDIRECT"), auth: oauth.ClientSecretPost(setting("POST_SECRET")) },
];

async function discover(algorithm) {
  const identifier = new URL(issuer);
  return oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { algorithm, ...insecure }));
}

async function introspect(as, token, id = setting("API_ID"), secret = setting("API_SECRET")) {
  const api = { client_id: id };
  const response = await oauth.introspectionRequest(as, api, oauth.ClientSecretBasic(secret), token, insecure);
  assert.equal(response.headers.get("cache-control"), "no-store");
  return oauth.processIntrospectionResponse(as, api, response);
}

/** Sends the person through a request and hands the answer to the library's own checks of state and issuer. */
async function authorize(as, app, person, { decision = "allow", ...parameters } = {}) {
  const loopback = app.native ? await listen_loopback(app.redirect) : undefined;
  try {
    const redirectUri = loopback?.redirectUri ?? app.redirect;
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint);
    const request = {
      response_type: "code",
      client_id: app.client.client_id,
      redirect_uri: redirectUri,
      scope: SCOPE,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...parameters,
    };
    for (const [name, value] of Object.entries(request)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    let callback = await person.answer(url, redirectUri, decision);
    if (loopback) {
      await fetch(callback);
      callback = await loopback.received;
    }
    return { parameters: oauth.validateAuthResponse(as, app.client, callback, state), redirectUri, verifier };
  } finally {
    loopback?.close();
  }
}

async function exchange(as, app, { parameters, redirectUri, verifier }) {
  const response = await oauth.authorizationCodeGrantRequest(as, app.client, app.auth, parameters, redirectUri, verifier, insecure);
  assert.equal(response.headers.get("cache-control"), "no-store");
  return oauth.processAuthorizationCodeResponse(as, app.client, response);
}

async function log_in(as, app, person, parameters) {
  return exchange(as, app, await authorize(as, app, person, parameters));
}

async function refresh(as, app, token, additionalParameters) {
  const response = await oauth.refreshTokenGrantRequest(as, app.client, app.auth, token, { additionalParameters, ...insecure });
  return oauth.processRefreshTokenResponse(as, app.client, response);
}

async function revoke(as, app, token) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, app.client, app.auth, token, insecure));
}

async function check_app(as, app) {
  const person = new Person(issuer, setting("USER_EMAIL"), setting("USER_PASSWORD"));
  await check(`${app.label}: "Don't allow" comes back as access_denied`, () =>
    expectRefusal(authorize(as, app, person, { decision: "deny" }), oauth.AuthorizationResponseError, "access_denied"));
  await check(`${app.label}: the plain challenge method is refused`, () =>
    expectRefusal(authorize(as, app, person, { code_challenge_method: "plain" }), oauth.AuthorizationResponseError, "invalid_request"));
  await check(`${app.label}: a resource that does not exist is refused`, () =>
    expectRefusal(authorize(as, app, person, { resource: "https://nowhere.example" }), oauth.AuthorizationResponseError, "invalid_target"));
  await check(`${app.label}: a wrong redirect address gets an error page and no redirect`, async () => {
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({ response_type: "code", client_id: app.client.client_id, redirect_uri: `${app.redirect}/`, state: "s" }).toString();
    const page = await person.open(url);
    assert.equal(page.status, 400);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.equal(page.headers.location, undefined);
  });
  const tokens = await check(`${app.label}: log in with code and PKCE`, async () => {
    const found = await log_in(as, app, person);
    assert.ok(found.expires_in > 0);
    assert.ok(found.refresh_token);
    return found;
  });
  await check(`${app.label}: introspection`, async () => {
    const found = await introspect(as, tokens.access_token);
    assert.equal(found.active, true);
    assert.equal(found.client_id, app.client.client_id);
    assert.equal(found.token_type?.toLowerCase(), "bearer");
  });
  const renewed = await check(`${app.label}: refresh with a smaller scope gives a smaller token`, async () => {
    const found = await refresh(as, app, tokens.refresh_token, { scope: "notes:read" });
    const scope = (await introspect(as, found.access_token)).scope;
    assert.ok(scope.includes("notes:read") && !scope.includes("notes:write"), scope);
    return found;
  });
  await check(`${app.label}: the scope is back with the next refresh`, async () => {
    const found = await refresh(as, app, renewed.refresh_token);
    assert.ok((await introspect(as, found.access_token)).scope.includes("notes:write"));
    await revoke(as, app, found.refresh_token);
    assert.deepEqual(await introspect(as, found.access_token), { active: false });
  });
  await check(`${app.label}: a refresh token that comes twice is refused`, () =>
    expectRefusal(refresh(as, app, tokens.refresh_token), oauth.ResponseBodyError, "invalid_grant", 400));
  await check(`${app.label}: a code is refused with another redirect address`, async () => {
    const answer = await authorize(as, app, person);
    await expectRefusal(exchange(as, app, { ...answer, redirectUri: "https://other.example/callback" }), oauth.ResponseBodyError, "invalid_grant", 400);
  });
  await check(`${app.label}: a token of one app is not revoked by another`, async () => {
    const other = apps.find((candidate) => candidate !== app);
    const mine = await log_in(as, app, person);
    await revoke(as, other, mine.refresh_token).catch((error) => assert.ok(error instanceof oauth.ResponseBodyError, String(error)));
    assert.equal((await introspect(as, mine.access_token)).active, true);
  });
}

const documents = [];
for (const algorithm of ["oauth2", "oidc"]) {
  documents.push(await check(`discovery by ${algorithm}`, () => discover(algorithm)));
}
await check("both documents say the same", () => {
  for (const [name, value] of Object.entries(documents[0])) assert.deepEqual(documents[1][name], value, name);
});
await check("the keys are public and usable", async () => {
  const response = await fetch(documents[0].jwks_uri);
  const { keys } = await response.json();
  assert.ok(keys.length > 0);
  for (const key of keys) {
    assert.equal(key.d, undefined);
    assert.ok(key.kid && key.alg && key.use === "sig", JSON.stringify(key));
  }
});
for (const app of apps) await check_app(documents[0], app);

await check("service: client credentials", async () => {
  const service = { client_id: setting("SERVICE_ID") };
  const auth = oauth.ClientSecretBasic(setting("SERVICE_SECRET"));
  const response = await oauth.clientCredentialsGrantRequest(documents[0], service, auth, { scope: "notes:read" }, insecure);
  const tokens = await oauth.processClientCredentialsResponse(documents[0], service, response);
  assert.equal((await introspect(documents[0], tokens.access_token)).active, true);
});
finish();
