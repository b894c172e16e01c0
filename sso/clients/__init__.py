"""Clients: registered, found, authenticated, and held to their limits.

Owns no routes. Spec: OAuth 2.1 §2, A-02 to A-04, A-15 to A-21.
"""
