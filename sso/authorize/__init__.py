"""The authorization endpoint: from a request to sign-in, consent, a code or an error.

Owns ``/oauth/authorize`` and ``/oauth/authorize/resume``. It always answers.
Spec: OAuth 2.1 §3.1 and §4.1, OIDC Core §3.1.2.
"""
