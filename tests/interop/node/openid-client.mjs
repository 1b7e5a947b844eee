// openid-client 6, as a web app, a command-line program, a service and an API would use it.
import assert from "node:assert/strict";
import * as client from "openid-client";
import { check, expectRefusal, finish, setting } from "./checks.mjs";
import { listen_loopback, Person } from "./person.mjs";

const issuer = setting("ISSUER");
const server = new URL(issuer);
const SCOPE = "notes:read offline_access";
const apps = [
  { label: "native", id: setting("NATIVE_ID"), redirect: setting("NATIVE_REDIRECT"), auth: client.None(), native: true },
  { label: "basic", id: setting("BASIC_ID"), redirect: setting("BASIC_REDIRECT"), auth: client.ClientSecretBasic(setting("BASIC_SECRET")) },
  { label: "post", id: setting("POST_ID"), redirect: setting("POST_REDIRECT"), auth: client.ClientSecretPost(setting("POST_SECRET")) },
];

function discover(id, auth, algorithm = "oauth2") {
  return client.discovery(server, id, undefined, auth, { algorithm, execute: [client.allowInsecureRequests] });
}

/** Asks as an API whether a token is good. */
async function introspect(token, id = setting("API_ID"), secret = setting("API_SECRET")) {
  return client.tokenIntrospection(await discover(id, client.ClientSecretBasic(secret)), token);
}

/** Sends the person through an authorization request; the answer is what the app's redirect address got. */
async function authorize(app, config, person, { decision = "allow", ...parameters } = {}) {
  const loopback = app.native ? await listen_loopback(app.redirect) : undefined;
  try {
    const redirectUri = loopback?.redirectUri ?? app.redirect;
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const request = {
      redirect_uri: redirectUri,
      scope: SCOPE,
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...parameters,
    };
    const known = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
    let callback = await person.answer(client.buildAuthorizationUrl(config, known), redirectUri, decision);
    if (loopback) {
      await fetch(callback);
      callback = await loopback.received;
    }
    assert.equal(callback.searchParams.get("iss"), issuer);
    assert.equal(callback.searchParams.get("state"), state);
    return { callback, state, verifier };
  } finally {
    loopback?.close();
  }
}

function exchange(config, { callback, state, verifier }) {
  return client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: state });
}

async function log_in(app, config, person, parameters) {
  return exchange(config, await authorize(app, config, person, parameters));
}

async function check_refusals(app, config, person) {
  await check(`${app.label}: "Don't allow" comes back as access_denied`, () =>
    expectRefusal(log_in(app, config, person, { decision: "deny" }), client.AuthorizationResponseError, "access_denied"));
  await check(`${app.label}: a request without PKCE is refused`, () =>
    expectRefusal(log_in(app, config, person, { code_challenge: undefined, code_challenge_method: undefined }), client.AuthorizationResponseError, "invalid_request"));
  await check(`${app.label}: an unknown scope is refused`, () =>
    expectRefusal(log_in(app, config, person, { scope: "nonsense" }), client.AuthorizationResponseError, "invalid_scope"));
  await check(`${app.label}: an unknown response type is refused`, () =>
    expectRefusal(log_in(app, config, person, { response_type: "token" }), client.AuthorizationResponseError, "unsupported_response_type"));
  await check(`${app.label}: a wrong redirect address gets an error page and no redirect`, async () => {
    const page = await person.open(client.buildAuthorizationUrl(config, { redirect_uri: "https://evil.example/callback", scope: SCOPE }));
    assert.equal(page.status, 400);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.equal(page.headers.location, undefined);
    assert.doesNotMatch(page.body, /http-equiv="refresh"/);
  });
}

async function check_tokens(app, config, person) {
  const tokens = await check(`${app.label}: log in with code and PKCE`, async () => {
    const found = await log_in(app, config, person, { resource: setting("API_RESOURCE") });
    assert.equal(found.token_type, "bearer");
    assert.ok(found.expires_in > 0);
    assert.ok(found.refresh_token);
    return found;
  });
  await check(`${app.label}: the API learns who, what and for whom`, async () => {
    const found = await introspect(tokens.access_token);
    assert.equal(found.active, true);
    assert.equal(found.client_id, app.id);
    assert.equal(found.iss, issuer);
    assert.deepEqual([found.aud].flat(), [setting("API_RESOURCE")]);
    assert.ok(found.scope.split(" ").includes("notes:read"));
    assert.ok(found.sub);
    assert.ok(found.exp > Date.now() / 1000);
  });
  await check(`${app.label}: another API learns nothing`, async () => {
    assert.deepEqual(await introspect(tokens.access_token, setting("OTHER_API_ID"), setting("OTHER_API_SECRET")), { active: false });
  });
  const renewed = await check(`${app.label}: refresh gives a new pair`, async () => {
    const found = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(found.access_token, tokens.access_token);
    assert.ok(found.refresh_token);
    assert.notEqual(found.refresh_token, tokens.refresh_token);
    assert.equal((await introspect(found.access_token)).active, true);
    return found;
  });
  await check(`${app.label}: a refresh token that comes twice is refused`, () =>
    expectRefusal(client.refreshTokenGrant(config, tokens.refresh_token), client.ResponseBodyError, "invalid_grant"));
  await check(`${app.label}: and ends everything from that sign-in`, async () => {
    assert.deepEqual(await introspect(renewed.access_token), { active: false });
    await expectRefusal(client.refreshTokenGrant(config, renewed.refresh_token), client.ResponseBodyError, "invalid_grant");
  });
}

async function check_endings(app, config, person) {
  await check(`${app.label}: a revoked access token is inactive`, async () => {
    const tokens = await log_in(app, config, person);
    await client.tokenRevocation(config, tokens.access_token);
    assert.deepEqual(await introspect(tokens.access_token), { active: false });
  });
  await check(`${app.label}: a revoked refresh token ends its access tokens`, async () => {
    const tokens = await log_in(app, config, person);
    await client.tokenRevocation(config, tokens.refresh_token, { token_type_hint: "refresh_token" });
    assert.deepEqual(await introspect(tokens.access_token), { active: false });
    await expectRefusal(client.refreshTokenGrant(config, tokens.refresh_token), client.ResponseBodyError, "invalid_grant");
  });
  await check(`${app.label}: revoking an unknown token is no error`, () => client.tokenRevocation(config, "unknown"));
  await check(`${app.label}: a code works once, and its second use ends its tokens`, async () => {
    const answer = await authorize(app, config, person);
    const tokens = await exchange(config, answer);
    assert.equal((await introspect(tokens.access_token)).active, true);
    await expectRefusal(exchange(config, answer), client.ResponseBodyError, "invalid_grant");
    assert.deepEqual(await introspect(tokens.access_token), { active: false });
  });
  await check(`${app.label}: a wrong verifier is refused`, async () => {
    const answer = await authorize(app, config, person);
    await expectRefusal(exchange(config, { ...answer, verifier: client.randomPKCECodeVerifier() }), client.ResponseBodyError, "invalid_grant");
  });
}

async function check_wrong_secrets() {
  for (const [label, auth, id] of [
    ["basic", client.ClientSecretBasic("x".repeat(43)), setting("BASIC_ID")],
    ["post", client.ClientSecretPost("x".repeat(43)), setting("POST_ID")],
  ]) {
    await check(`${label}: a wrong secret is invalid_client`, async () => {
      const config = await discover(id, auth);
      const error = await client.refreshTokenGrant(config, "unknown").then(() => undefined, (reason) => reason);
      // with Basic the answer carries a challenge, which the library reports as its own kind of error
      assert.ok(error instanceof client.WWWAuthenticateChallengeError || error instanceof client.ResponseBodyError, String(error));
      assert.equal(error.status, 401);
      if (label === "basic") assert.ok(error instanceof client.WWWAuthenticateChallengeError, "401 to Basic without WWW-Authenticate");
    });
  }
  await check("an app without a secret may not introspect", async () => {
    const config = await discover(setting("NATIVE_ID"), client.None());
    await assert.rejects(client.tokenIntrospection(config, "unknown"), (error) => error.status === 401);
  });
}

async function check_service() {
  const config = await discover(setting("SERVICE_ID"), client.ClientSecretBasic(setting("SERVICE_SECRET")));
  const tokens = await check("service: client credentials", async () => {
    const found = await client.clientCredentialsGrant(config, { scope: "notes:read", resource: setting("API_RESOURCE") });
    assert.equal(found.token_type, "bearer");
    assert.equal(found.refresh_token, undefined);
    return found;
  });
  await check("service: its token is good at the API and stands for no person", async () => {
    const found = await introspect(tokens.access_token);
    assert.equal(found.active, true);
    assert.equal(found.client_id, setting("SERVICE_ID"));
    // RFC 9068 §5: marked, so that no API takes it for a person who has the same id
    assert.equal(found.sub, `client:${setting("SERVICE_ID")}`);
    assert.equal(found.username, undefined);
  });
  await check("service: more than it may have is invalid_scope", () =>
    expectRefusal(client.clientCredentialsGrant(config, { scope: "notes:write" }), client.ResponseBodyError, "invalid_scope"));
  await check("service: an unknown resource is invalid_target", () =>
    expectRefusal(client.clientCredentialsGrant(config, { scope: "notes:read", resource: "https://nowhere.example" }), client.ResponseBodyError, "invalid_target"));
}

for (const algorithm of ["oauth2", "oidc"]) {
  await check(`discovery by ${algorithm}`, async () => {
    const metadata = (await discover(setting("NATIVE_ID"), client.None(), algorithm)).serverMetadata();
    assert.equal(metadata.issuer, issuer);
    assert.ok(metadata.supportsPKCE("S256"));
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    assert.deepEqual(metadata.response_types_supported, ["code"]);
  });
}
for (const app of apps) {
  const config = await check(`${app.label}: configure`, () => discover(app.id, app.auth));
  if (config === undefined) continue;
  // consent is remembered for some apps, so what needs the question comes first
  const person = new Person(issuer, setting("USER_EMAIL"), setting("USER_PASSWORD"));
  await check_refusals(app, config, person);
  await check_tokens(app, config, person);
  await check_endings(app, config, person);
}
await check_wrong_secrets();
await check_service();
finish();
