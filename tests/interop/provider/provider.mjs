// Providers that people sign in to Gatepost through: oidc-provider twice (once with the address in the ID token, once only at userinfo), and a
// stand-in for GitHub, which cannot run here, with the answers that its documentation shows.
//
// Ends when its stdin does. The first line on stdout says the ports. Who signs in is in the query of the sign-in page: base64url of
// {sub, email, email_verified, name, fault}. `fault` is what the token endpoint gets wrong.
import { createServer } from 'node:http';
import { createHash, randomBytes } from 'node:crypto';
import * as jose from 'jose';
import { Provider } from 'oidc-provider';

const CLIENT = { id: 'gatepost', secret: 'a secret of & two+sides %' };
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
const readAccount = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());

// What a token endpoint can get wrong in an ID token; each must be noticed.
async function spoil(idToken, fault, key, other) {
  const claims = jose.decodeJwt(idToken);
  const header = jose.decodeProtectedHeader(idToken);
  const sign = (changed, with_ = key) => new jose.SignJWT({ ...claims, ...changed }).setProtectedHeader(header).sign(with_);
  switch (fault) {
    case 'nonce': return sign({ nonce: 'another' });
    case 'no-nonce': return sign({ nonce: undefined });
    case 'aud': return sign({ aud: 'somebody-else' });
    case 'azp': return sign({ azp: 'somebody-else' });
    case 'iss': return sign({ iss: 'https://evil.example' });
    case 'exp': return sign({ exp: claims.iat - 3600 });
    case 'at_hash': return sign({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' });
    case 'signature': return sign({}, other);
    case 'none': return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${idToken.split('.')[1]}.`;
    case 'hs256': return new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(CLIENT.secret));
    case 'missing': return undefined;
    default: return idToken;
  }
}

async function startOpenId(inIdToken) {
  const accounts = new Map();
  const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
  const { privateKey: other } = await jose.generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await jose.exportJWK(privateKey)), kid: `key-${randomBytes(4).toString('hex')}`, alg: 'RS256', use: 'sig' };
  const server = createServer();
  const port = await listen(server);
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: ['http://127.0.0.1:1/callback'] }],
    jwks: { keys: [jwk] },
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub', 'fault'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: !inIdToken,
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => accounts.get(id) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  // each test has a Gatepost on a port of its own
  provider.Client.prototype.redirectUriAllowed = (uri) => /^http:\/\/(127\.0\.0\.1|localhost):\d+\/(.+\/)?login\/via\/[a-z0-9-]+\/callback$/.test(uri);
  provider.use(async (ctx, next) => {
    const as = /^\/interaction\/[^/]+\/as$/.test(ctx.path);
    if (as) {
      const cancelled = ctx.query.account === 'cancel';
      const account = cancelled ? undefined : readAccount(String(ctx.query.account));
      if (account) accounts.set(account.sub, account);
      const result = account ? { login: { accountId: account.sub } } : { error: 'access_denied' };
      const returnTo = await provider.interactionResult(ctx.req, ctx.res, result);
      ctx.redirect(returnTo);
      return;
    }
    await next();
    if (ctx.path === '/token' && ctx.body?.id_token) {
      ctx.body.id_token = await spoil(ctx.body.id_token, jose.decodeJwt(ctx.body.id_token).fault, privateKey, other);
    }
  });
  server.on('request', provider.callback());
  return port;
}

// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
async function startGitHub() {
  const codes = new Map();
  const tokens = new Map();
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://github');
    const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
    const bearer = tokens.get(request.headers.authorization?.replace(/^Bearer /, ''));
    if (url.pathname === '/login/oauth/authorize') {
      const query = url.searchParams;
      const code = randomBytes(10).toString('hex');
      codes.set(code, { account: readAccount(query.get('account')), challenge: query.get('code_challenge'), redirect: query.get('redirect_uri') });
      const back = new URL(query.get('redirect_uri'));
      back.searchParams.set('code', code);
      back.searchParams.set('state', query.get('state'));
      response.writeHead(302, { location: back.href }).end();
    } else if (url.pathname === '/login/oauth/access_token' && request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => { body += chunk; });
      request.on('end', () => {
        const form = new URLSearchParams(body);
        const known = codes.get(form.get('code'));
        codes.delete(form.get('code'));
        if (form.get('client_id') !== CLIENT.id || form.get('client_secret') !== CLIENT.secret) return send(200, { error: 'incorrect_client_credentials' });
        const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
        if (!known || known.challenge !== challenge || known.redirect !== form.get('redirect_uri')) return send(200, { error: 'bad_verification_code' });
        const token = `gho_${randomBytes(18).toString('hex')}`;
        tokens.set(token, known.account);
        return send(200, { access_token: token, scope: 'read:user,user:email', token_type: 'bearer' });
      });
    } else if (!bearer || !request.headers['user-agent']) {
      send(401, { message: 'Requires authentication', documentation_url: 'https://docs.github.com/rest' });
    } else if (url.pathname === '/user') {
      send(200, { login: 'octocat', id: bearer.sub, node_id: 'MDQ6VXNlcjE=', type: 'User', name: bearer.name ?? null, email: 'public@example.com' });
    } else if (url.pathname === '/user/emails') {
      send(200, [
        { email: 'old@example.com', verified: true, primary: false, visibility: null },
        { email: bearer.email, verified: bearer.email_verified, primary: true, visibility: 'private' },
      ]);
    } else {
      send(404, { message: 'Not Found' });
    }
  });
  return listen(server);
}

// Answers that must not be followed, read to the end or waited for.
async function startTraps(oidc) {
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://trap');
    if (url.pathname.startsWith('/redirect/')) response.writeHead(302, { location: `http://127.0.0.1:${oidc}/.well-known/openid-configuration` }).end();
    else if (url.pathname.startsWith('/large/')) response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${'x'.repeat(100_000)}"}`);
    else if (url.pathname.startsWith('/other/')) fetch(`http://127.0.0.1:${oidc}/.well-known/openid-configuration`).then((answer) => answer.text()).then((text) => response.writeHead(200, { 'content-type': 'application/json' }).end(text));
    else if (url.pathname.startsWith('/silent/')) return;
    else response.writeHead(404).end();
  });
  return listen(server);
}

const oidc = await startOpenId(true);
const userinfo = await startOpenId(false);
console.log(JSON.stringify({ oidc, userinfo, github: await startGitHub(), traps: await startTraps(oidc) }));
