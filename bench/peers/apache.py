"""Apache with mod_auth_openidc, sessions in Redis under its default encryption."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bench import debian
from bench.peers.base import Place, Standing
from bench.provider import CLIENT_ID, CLIENT_SECRET
from bench.stage import run_or_refuse, wait_until_listening

_MODULES = Path("/usr/lib/apache2/modules")
_PACKAGES = ("apache2-bin", "libapache2-mod-auth-openidc")
_LOADED = (
    "mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http",
    "auth_openidc",
)  # fmt: skip

_CONFIG = """\
{modules}
ServerName localhost
Listen 127.0.0.1:{place.port}
{user}
PidFile {place.folder}/apache.pid
ErrorLog {place.folder}/error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {place.folder}/access.log combined
ServerLimit {place.workers}
StartServers {place.workers}
ThreadsPerChild 64
MaxRequestWorkers {threads}
MinSpareThreads 1
MaxSpareThreads {threads}
KeepAlive On
MaxKeepAliveRequests 0

OIDCProviderMetadataURL {place.issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI {place.base_url}/callback
OIDCCryptoPassphrase {secret}
OIDCScope "openid profile email offline_access"
OIDCPKCEMethod S256
OIDCSessionType server-cache
OIDCCacheType redis
OIDCRedisCacheServer {redis}
OIDCRedisCacheDatabase {database}
OIDCPassClaimsAs environment

<Location /login>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /callback>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /api/>
  AuthType openid-connect
  Require valid-user
  OIDCUnAuthAction 401
  RequestHeader unset Cookie
  RequestHeader set Authorization "Bearer %{{OIDC_access_token}}e"
  ProxyPass {place.upstream}/
</Location>
"""


class Apache:
    """Debian's Apache (event) with mod_auth_openidc."""

    slug = "mod_auth_openidc"
    title = "Apache mod_auth_openidc"

    def start(self, place: Place) -> Standing:
        """Install the packages where that is allowed, and start it.

        Raises:
            CannotRun: the packages are missing and we may not install them.
        """
        binary = _installed()
        redis, _, database = place.redis_url.removeprefix("redis://").partition("/")
        config = place.folder / "apache.conf"
        modules = (f"LoadModule {m}_module {_MODULES}/mod_{m}.so" for m in _LOADED)
        config.write_text(
            _CONFIG.format(
                modules="\n".join(modules), place=place, threads=64 * place.workers,
                user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
                client_id=CLIENT_ID, secret=CLIENT_SECRET, redis=redis, database=database,
            )
        )  # fmt: skip
        program = place.stage.start(
            "apache", [binary, "-DFOREGROUND", "-f", str(config)],
            cores=place.cores, folder=place.folder,
        )  # fmt: skip
        wait_until_listening(program, place.port)
        return Standing(program, place.port, login_url=f"{place.base_url}/login")

    def versions(self, place: Place) -> dict[str, str]:  # noqa: ARG002 - the peers' common shape
        """Return Debian's package versions."""
        said = run_or_refuse(["dpkg-query", "-W", *_PACKAGES])
        return dict(re.findall(r"^(\S+)\s+(\S+)$", said, re.MULTILINE))


def _installed() -> str:
    if not (_MODULES / "mod_auth_openidc.so").exists():
        debian.install(_PACKAGES)
    return debian.path_of("apache2")
