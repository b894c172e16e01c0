"""Projects of a team: people, one ordered tree of folders, documents and files, comments, trash.

Other rooms ask `membership`, and nothing else of this room.

Routes: `/teams/{id}/projects`, `/projects…`, `/nodes…`, `/documents…`, `/uploads…`, `/files…`,
`/comments…`, `/trash…`, `/search`. Scopes: `project:read`, `project:write`. Tables: `projects`,
`project_members`, `nodes`, `trash`, `document_revisions`, `contents`, `content_parts`,
`doomed_blobs`, `comments`, `search_entries` (on SQLite `search_tokens`, too).
"""
