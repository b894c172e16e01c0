"""What can happen. The set is closed; the front end has the words for it in each language."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    """What somebody did to a subject; the subject's kind is told beside it."""

    TEAM_CREATED = "team.created"
    TEAM_CHANGED = "team.changed"
    TEAM_HANDED_OVER = "team.handed_over"
    TEAM_DISSOLVED = "team.dissolved"
    MEMBER_JOINED = "member.joined"
    MEMBER_LEFT = "member.left"
    MEMBER_REMOVED = "member.removed"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_MOVED = "member.moved"
    GROUP_CREATED = "group.created"
    GROUP_RENAMED = "group.renamed"
    GROUP_DELETED = "group.deleted"
    APPLICATION_SENT = "application.sent"
    APPLICATION_WITHDRAWN = "application.withdrawn"
    APPLICATION_APPROVED = "application.approved"
    APPLICATION_REFUSED = "application.refused"
    INVITATION_CREATED = "invitation.created"
    INVITATION_REVOKED = "invitation.revoked"
    PROFILE_CHANGED = "profile.changed"

    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_DELETED = "project.deleted"
    PROJECT_RESTORED = "project.restored"
    PROJECT_ERASED = "project.erased"
    PROJECT_MEMBER_ADDED = "project.member_added"
    PROJECT_MEMBER_REMOVED = "project.member_removed"
    FOLDER_CREATED = "folder.created"
    DOCUMENT_CREATED = "document.created"
    DOCUMENT_EDITED = "document.edited"
    DOCUMENT_RESTORED = "document.restored"
    FILE_UPLOADED = "file.uploaded"
    NODE_RENAMED = "node.renamed"
    NODE_MOVED = "node.moved"
    NODE_TRASHED = "node.trashed"
    NODE_RESTORED = "node.restored"
    NODE_DELETED = "node.deleted"

    STATUS_POSTED = "status.posted"
    STATUS_EDITED = "status.edited"
    STATUS_DELETED = "status.deleted"
    STATUS_LIKED = "status.liked"
    STATUS_UNLIKED = "status.unliked"

    COMMENT_WRITTEN = "comment.written"
    COMMENT_EDITED = "comment.edited"
    COMMENT_DELETED = "comment.deleted"
