"""Dynamic registration: a program registers itself, where an operator allows it.

Owns ``/oauth/register``; mounted only with ``dynamic_registration``. Whoever registers needs an
initial access token of the operator's, and manages the client by the token that it got.

Spec: RFC 7591, RFC 7592; A-50; S-100.
"""
