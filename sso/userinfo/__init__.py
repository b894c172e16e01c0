"""UserInfo: what an access token's scopes tell about its person.

Owns ``/oauth/userinfo``. Spec: OIDC Core §5.3, RFC 6750; A-37.
"""
