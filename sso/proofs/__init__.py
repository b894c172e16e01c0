"""Proofs of possession: who presents a token also shows the key that it was made for.

Owns no routes. Spec: RFC 9449; A-47.
"""
