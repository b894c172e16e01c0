"""A small Flask kit that knows no OAuth: what every party says in the same way.

Owns request ids, problem documents, security headers, form anti-forgery, structured logs,
metrics, health and languages. It imports no party, and a party imports from it only what it uses.
"""
