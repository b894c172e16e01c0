"""Teams: members with roles, groups, applications, invitations.

Other rooms ask `membership`, and nothing else of this room. Routes: `/teams…`, `/applications…`,
`/invitations…`, `/internal/teams…`. Scopes: `team:read`, `team:write`, `internal:users`. Tables:
`teams`, `team_members`, `team_groups`, `team_applications`, `team_invitations`.
"""
