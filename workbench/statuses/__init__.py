"""Progress posts of a team: who did what, what is in the way, what comes next.

Routes: `/teams/{team}/statuses`, `/statuses/{status}`, `/statuses/{status}/comments`,
`/status-comments/{comment}`, `/statuses/{status}/like`, `/teams/{team}/digest`. Scopes:
`status:read`, `status:write`. Tables: `statuses`, `status_likes`, `status_comments`,
`status_search`.

What a post says of *done*, *problems* and *next* stands in fields of its own, all optional: the
week's digest puts them together by person. Nothing is guessed from headings.
"""
