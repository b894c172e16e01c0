// A relying party by others: npm openid-client, used as its documentation shows and nothing else.
//
//   node relying-party.mjs '{"port": 4001, "issuer": "…", "client_id": "…", "client_secret": "…", "scope": "…"}'
//
// GET / starts a sign-in; the callback answers with what came of every step, as JSON.
import { createServer } from 'node:http';
import * as client from 'openid-client';

const { port, issuer, client_id, client_secret, scope } = JSON.parse(process.argv[2]);
const origin = `http://127.0.0.1:${port}`;
const redirect_uri = `${origin}/callback`;
// The documented switch for http issuers in development.
const options = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(issuer), client_id, client_secret, undefined, options);
const attempt = {};

async function start() {
  attempt.pkceCodeVerifier = client.randomPKCECodeVerifier();
  attempt.expectedState = client.randomState();
  attempt.expectedNonce = client.randomNonce();
  return client.buildAuthorizationUrl(config, {
    redirect_uri,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(attempt.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: attempt.expectedState,
    nonce: attempt.expectedNonce,
    prompt: 'consent',
  });
}

async function finish(url) {
  const tokens = await client.authorizationCodeGrant(config, url, attempt);
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
  await client.tokenRevocation(config, renewed.refresh_token);
  const refused = await client.refreshTokenGrant(config, renewed.refresh_token).catch((error) => error);
  const end_session = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: `${origin}/`,
    id_token_hint: renewed.id_token ?? tokens.id_token,
    state: 'after',
  });
  return {
    claims,
    userinfo,
    scope: tokens.scope,
    renewed: renewed.access_token !== tokens.access_token,
    rotated: renewed.refresh_token !== tokens.refresh_token,
    after_revocation: refused.error,
    end_session: end_session.href,
  };
}

createServer(async (request, response) => {
  const url = new URL(request.url, origin);
  try {
    if (url.pathname === '/start') {
      response.writeHead(303, { location: (await start()).href }).end();
    } else if (url.pathname === '/callback') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(await finish(url)));
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>home</title>');
    }
  } catch (error) {
    const { message, code, error: reason, error_description } = error;
    const cause = String(error.cause?.message ?? JSON.stringify(error.cause) ?? '');
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message, code, reason, error_description, cause }));
  }
}).listen(port, '127.0.0.1', () => console.log('listening'));
