"""Pushed authorization requests: handed in by the client itself, before any browser is involved.

Owns ``/oauth/par``. Errors are JSON: nobody is redirected from here.
Spec: RFC 9126; A-46.
"""
