"""The data plane: judge a call, attach the token, stream it both ways.

Reads sessions, never writes them. Spec: RFC 9110, RFC 9112, RFC 6750; RFC 10017 §6.1.3.
"""
