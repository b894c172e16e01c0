// A relying party by others that asks for everything: npm openid-client, as its documentation shows.
//
//   node relying-party-strict.mjs '{"port": 4001, "issuer": "…", "client_id": "…", "client_secret": "…",
//                                   "scope": "…", "api": "…", "other_audience": "…"}'
//
// GET /start pushes a request with a proof and leads to it; the callback answers with what came of
// every step, as JSON. GET /device begins as a device does, GET /device/tokens waits for its person.
import { createServer } from 'node:http';
import * as client from 'openid-client';

const given = JSON.parse(process.argv[2]);
const { port, issuer, client_id, client_secret, scope, api, other_audience } = given;
const origin = `http://127.0.0.1:${port}`;
const redirect_uri = `${origin}/callback`;
// The documented switch for http issuers in development.
const options = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(issuer), client_id, client_secret, undefined, options);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const attempt = {};
let device;

async function start() {
  attempt.pkceCodeVerifier = client.randomPKCECodeVerifier();
  attempt.expectedState = client.randomState();
  attempt.expectedNonce = client.randomNonce();
  const parameters = {
    redirect_uri,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(attempt.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: attempt.expectedState,
    nonce: attempt.expectedNonce,
    prompt: 'consent',
  };
  return client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
}

async function ask(token, proven) {
  const how = proven ? { DPoP } : undefined;
  const address = new URL(`${api}/users/me`);
  try {
    return (await client.fetchProtectedResource(config, token, address, 'GET', null, undefined, how)).status;
  } catch (error) {
    return error.status ?? error.code;
  }
}

async function exchange(subject_token) {
  const asked = { subject_token, subject_token_type: ACCESS_TOKEN, audience: other_audience };
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
  return client.genericGrantRequest(config, grant, asked, { DPoP });
}

async function finish(url) {
  const tokens = await client.authorizationCodeGrant(config, url, attempt, undefined, { DPoP });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
  const introspected = await client.tokenIntrospection(config, tokens.access_token);
  const exchanged = await exchange(tokens.access_token);
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  const own = await client.clientCredentialsGrant(config, { scope: 'users:read' }, { DPoP });
  const at_api = [await ask(tokens.access_token, true), await ask(tokens.access_token, false)];
  await client.tokenRevocation(config, renewed.refresh_token);
  const after = await client.tokenIntrospection(config, renewed.access_token);
  const after_exchanged = await client.tokenIntrospection(config, exchanged.access_token);
  return {
    claims,
    userinfo,
    introspected,
    at_api,
    token_types: [tokens, renewed, own, exchanged].map((each) => each.token_type),
    exchanged: { scope: exchanged.scope, issued_token_type: exchanged.issued_token_type },
    after_revocation: [after.active, after_exchanged.active],
  };
}

async function answer(url) {
  if (url.pathname === '/device') {
    device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' });
    return { user_code: device.user_code, verification_uri: device.verification_uri };
  }
  if (url.pathname === '/device/tokens') {
    // Nobody waits five seconds in a test: the person has decided already.
    const soon = { ...device, interval: 1 };
    const tokens = await client.pollDeviceAuthorizationGrant(config, soon, undefined, { DPoP });
    return { claims: tokens.claims(), token_type: tokens.token_type };
  }
  return finish(url);
}

createServer(async (request, response) => {
  const url = new URL(request.url, origin);
  try {
    if (url.pathname === '/start') {
      response.writeHead(303, { location: (await start()).href }).end();
    } else {
      const found = await answer(url);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
    }
  } catch (error) {
    const { message, code, error: reason, error_description } = error;
    const cause = String(error.cause?.message ?? JSON.stringify(error.cause) ?? '');
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message, code, reason, error_description, cause, stack: error.stack }));
  }
}).listen(port, '127.0.0.1', () => console.log('listening'));
