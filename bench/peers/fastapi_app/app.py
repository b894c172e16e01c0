"""The FastAPI BFF of PyPI, installed by its own one call."""

import os

from axmp_oidc_bff_provider import BFFConfig, install_bff
from fastapi import FastAPI

app = FastAPI()
install_bff(
    app,
    BFFConfig(
        default_provider="sso",
        providers={
            "sso": {
                "server_metadata_url": os.environ["PEER_ISSUER"]
                + "/.well-known/openid-configuration",
                "client_id": os.environ["PEER_CLIENT_ID"],
                "client_secret": os.environ["PEER_SECRET"],
                "scope": "openid profile email offline_access",
            }
        },
        app_base_url=os.environ["PEER_BASE_URL"],
        frontend_url=os.environ["PEER_BASE_URL"],
        frontend_origins=[os.environ["PEER_BASE_URL"]],
        session_secret_key=os.environ["PEER_SECRET"],
        session_backend="redis",
        redis_url=os.environ["PEER_REDIS_URL"],
        upstream_api_url=os.environ["PEER_UPSTREAM"],
    ),
)
