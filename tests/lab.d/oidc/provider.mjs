// npm oidc-provider as an identity provider with token exchange: a second make beside Keycloak.
// node provider.mjs ISSUER ADDRESS CERTIFICATE KEY CLIENT_PUBLIC_KEY(JWK)
//
// Its own are discovery, keys, client authentication, tokens and errors; what it leaves to its user are the
// grants: a login by name and password alone, for tests, and RFC 8693.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import * as jose from 'jose';
import Provider, { errors } from 'oidc-provider';

const [issuer, address, certificate, key, clientKey] = process.argv.slice(2);
const LOGIN = 'urn:example:login';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const AUDIENCES = ['mcp-oauth', 'elsewhere'];
const users = {
  alice: { legacy_name: 'ALICE_ADMIN', roles: ['staff'] },
  bob: { legacy_name: 'bob', roles: [] },
  nina: {},
};

const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true });
const jwks = { keys: [{ ...(await jose.exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] };
const client = (client_id, grant, rest) => ({
  client_id, grant_types: [grant], redirect_uris: [], response_types: [], ...rest,
});
const secret = (client_id) => ({ client_secret: `${client_id}-secret` });
const provider = new Provider(issuer, {
  jwks,
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  clients: [
    client('contextflow', LOGIN, { token_endpoint_auth_method: 'none' }),
    client('mcp-basic', EXCHANGE, {
      ...secret('mcp-basic'), token_endpoint_auth_method: 'client_secret_basic',
    }),
    client('mcp-post', EXCHANGE, {
      ...secret('mcp-post'), token_endpoint_auth_method: 'client_secret_post',
    }),
    client('mcp-key', EXCHANGE, {
      jwks: { keys: [JSON.parse(readFileSync(clientKey))] },
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
    }),
    client('mcp-none', 'client_credentials', secret('mcp-none')),
  ],
  features: { clientCredentials: { enabled: true }, dPoP: { enabled: true },
              devInteractions: { enabled: false } },
  findAccount: (_, id) => users[id] && { accountId: id, claims: () => ({ sub: id }) },
  extraTokenClaims: (_, token) => token.extra,
});

async function issue(ctx, accountId, audience, extra, jkt) {
  const token = new provider.AccessToken({
    accountId, client: ctx.oidc.client, grantId: 'none', extra, scope: ctx.oidc.params.scope,
  });
  token.resourceServer = new provider.ResourceServer(audience, {
    audience, scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 300,
    jwt: { sign: { alg: 'ES256' } },
  });
  if (jkt) token.setThumbprint('jkt', jkt);
  ctx.body = {
    access_token: await token.save(), token_type: jkt ? 'DPoP' : 'Bearer', expires_in: 300,
    issued_token_type: ACCESS_TOKEN,
  };
}

provider.registerGrantType(LOGIN, async (ctx) => {
  const { username, password } = ctx.oidc.params;
  if (!users[username] || password !== `Passw0rd!${username}`) {
    throw new errors.InvalidGrant('no such user, or another password');
  }
  const proof = ctx.get('DPoP');
  const jkt = proof && await jose.calculateJwkThumbprint(
    (await jose.jwtVerify(proof, jose.EmbeddedJWK, { typ: 'dpop+jwt' })).protectedHeader.jwk);
  await issue(ctx, username, 'mcp-oauth', {}, jkt);
}, ['username', 'password', 'scope']);

provider.registerGrantType(EXCHANGE, async (ctx) => {
  const { subject_token, subject_token_type, audience } = ctx.oidc.params;
  if (subject_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest('an access token is needed');
  const subject = await jose.jwtVerify(subject_token, publicKey, { issuer, audience: 'mcp-oauth' })
    .catch((error) => { throw new errors.InvalidRequest(`subject_token is refused: ${error.message}`); });
  if (!AUDIENCES.includes(audience)) throw new errors.InvalidTarget('no such audience');
  const { sub } = subject.payload;
  // As some providers write it: the user herself.
  await issue(ctx, sub, audience, { ...users[sub], act: { sub, iss: issuer } });
}, ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope', 'resource']);

const [host, port] = address.split(':');
const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
createServer(tls, provider.callback()).listen(Number(port), host);
