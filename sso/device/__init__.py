"""Signing in on a device without a keyboard: it shows a code, a person types it elsewhere.

Owns ``/oauth/device_authorization`` (for devices) and ``/device`` (for people). Nothing is allowed
by a link alone: whoever follows one still sees what the device asks, and decides.

Spec: RFC 8628; A-48.
"""
