"""Consent: a person decides what a client that is not our own may have.

Owns ``/consent``. Spec: A-51; ASVS 10.7; S-101.
"""
