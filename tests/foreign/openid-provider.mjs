// An OpenID provider by others: npm oidc-provider, set up by its public documentation only.
//
//   node openid-provider.mjs '{"port": 4000, "client": {…client metadata…}, "ttl": {"AccessToken": 60}}'
//
// Everything is in memory. Its built-in development pages sign in any name with any password.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const { port, client, ttl = {}, extra = {} } = JSON.parse(process.argv[2]);
if (extra.features?.dPoP) {
  Object.assign(extra.features.dPoP, { nonceSecret: randomBytes(32), requireNonce: () => true });
}
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  cookies: { keys: ['only for a test, never reused'] },
  features: { backchannelLogout: { enabled: true }, revocation: { enabled: true } },
  // Its own guard against requests to loopback stands in the way of a test on loopback.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `Foreign ${id}`, email: `${id}@example.org` }),
  }),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  ttl,
  ...extra,
});

for (const event of ['server_error', 'authorization.error', 'grant.error', 'end_session.error']) {
  provider.on(event, (ctx, error) => console.error(event, error.message, error.error_detail ?? error.error_description));
}
provider.on('backchannel.error', (ctx, error) => console.error('backchannel.error', error.message));
provider.listen(port, '127.0.0.1', () => console.log('listening'));
