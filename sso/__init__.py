"""The single sign-on server: OAuth authorization server and OpenID provider.

Spec: RFC 6749, RFC 9700, OIDC Core, OIDC Discovery.
"""
