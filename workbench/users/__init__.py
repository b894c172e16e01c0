"""The directory of people: an entry is made when somebody is first seen, never by hand.

Routes: `GET /users/me`, `GET /users`. Scope: `users:read`. Table: `users`.
"""
