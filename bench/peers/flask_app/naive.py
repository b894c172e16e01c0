"""The BFF that is written first: Flask, Flask-Session on Redis, Authlib, and one proxy view.

Runs in its own virtual environment under gunicorn threads; ``PEER_CLIENT`` chooses how the view
calls the upstream: ``requests`` (a session object, as everybody writes it) or ``urllib3``.
"""

from __future__ import annotations

import os

import redis
import requests
import urllib3
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, redirect, request, session
from flask_session import Session

UPSTREAM = os.environ["PEER_UPSTREAM"]
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "content-length", "content-encoding",
}  # fmt: skip
NOT_FORWARDED = HOP_BY_HOP | {"host", "cookie", "authorization"}

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["PEER_SECRET"],
    SESSION_TYPE="redis",
    SESSION_REDIS=redis.Redis.from_url(os.environ["PEER_REDIS_URL"]),
    SESSION_PERMANENT=True,
)
Session(app)
oauth = OAuth(app)
oauth.register(
    "sso",
    server_metadata_url=os.environ["PEER_ISSUER"] + "/.well-known/openid-configuration",
    client_id=os.environ["PEER_CLIENT_ID"],
    client_secret=os.environ["PEER_SECRET"],
    client_kwargs={"scope": "openid profile email offline_access", "code_challenge_method": "S256"},
)
http = requests.Session()
http.mount("http://", requests.adapters.HTTPAdapter(pool_connections=8, pool_maxsize=64))
pool = urllib3.PoolManager(num_pools=8, maxsize=64)


@app.get("/login")
def login():
    return oauth.sso.authorize_redirect(os.environ["PEER_BASE_URL"] + "/callback")


@app.get("/callback")
def callback():
    session["token"] = oauth.sso.authorize_access_token()
    return redirect("/")


@app.get("/")
def home():
    return "signed in" if "token" in session else "signed out"


def call_with_requests(url, headers):
    reply = http.request(
        request.method, url, params=request.args, data=request.get_data(), headers=headers,
        allow_redirects=False, stream=True, timeout=30,
    )  # fmt: skip
    return reply.status_code, reply.headers, reply.iter_content(65536)


def call_with_urllib3(url, headers):
    reply = pool.request(
        request.method, url, body=request.get_data(), headers=headers, redirect=False,
        preload_content=False, timeout=30, retries=False,
    )  # fmt: skip

    def body():
        yield from reply.stream(65536, decode_content=False)
        reply.release_conn()

    return reply.status, reply.headers, body()


call = call_with_urllib3 if os.environ["PEER_CLIENT"] == "urllib3" else call_with_requests


@app.route("/api/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def api(path):
    token = session.get("token")
    if token is None:
        return {"code": "login_required"}, 401
    if request.headers.get("X-CSRF") != "1":
        return {"code": "csrf_failed"}, 403
    headers = {k: v for k, v in request.headers if k.lower() not in NOT_FORWARDED}
    headers["Authorization"] = "Bearer " + token["access_token"]
    status, reply_headers, body = call(f"{UPSTREAM}/{path}", headers)
    kept = [(k, v) for k, v in reply_headers.items() if k.lower() not in HOP_BY_HOP]
    return Response(body, status, kept)
