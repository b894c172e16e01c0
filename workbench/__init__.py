"""The workbench: resource servers of the team behind the gateway. Bearer tokens only (RFC 6750).

Owns `/users`, `/users/me` and `/openapi.json`. It knows people as (`iss`, `sub`) pairs that one
trusted issuer vouches for; it keeps no passwords, no cookies and no sessions.
"""
