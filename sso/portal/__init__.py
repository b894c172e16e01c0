"""The pages on which people sign in, sign up and look after their account.

Owns ``/sign-in``, ``/sign-up``, ``/account``. Spec: ASVS V6 and V7, A-57, A-60.
"""
