"""Who is told of what: watches, mentions, the inbox, the daily e-mail.

Routes: `/notifications`, `/notifications/unread`, `/notifications/read`,
`/notifications/preferences`, `/watches`, `/watches/{kind}/{id}`. Scopes: `notification:read`,
`notification:write`. Tables: `notifications`, `watches`, `mail_digests`.

Other rooms call `watching.notify()` with the event that they record, and `mentions.find()`. An
inbox row is made in the transaction of the change that it tells of, and is shown only while its
owner may see what it tells of.
"""
