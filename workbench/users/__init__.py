"""The directory of people: an entry is made when somebody is first seen, never by hand.

Other rooms ask `people`, and nothing else of this room. Routes: `/users…`, `/internal/users/…`.
Scopes: `users:read`, `users:write`, `internal:users`. Tables: `users`, `avatars`.
"""
