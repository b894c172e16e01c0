"""Pictures that people have sent lose what they tell of their makers.

Revision: 0014, after 0013.
"""

import hashlib
from contextlib import suppress

import sqlalchemy as sa
from alembic import op

from workbench.users.metadata import without_metadata
from workbench.users.pictures import NoPicture

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_AVATARS = sa.table("avatars", sa.column("user_pk"), sa.column("content"))
_USERS = sa.table("users", sa.column("pk"), sa.column("avatar"))


def upgrade() -> None:
    connection = op.get_bind()
    for pk in connection.scalars(sa.select(_AVATARS.c.user_pk)).all():
        of_one = _AVATARS.c.user_pk == pk
        before = connection.execute(sa.select(_AVATARS.c.content).where(of_one)).scalar_one()
        with suppress(NoPicture):  # a broken one is shown by no browser
            content = without_metadata(before)
            if content != before:
                connection.execute(sa.update(_AVATARS).where(of_one).values(content=content))
                digest = hashlib.sha256(content).hexdigest()
                connection.execute(sa.update(_USERS).where(_USERS.c.pk == pk).values(avatar=digest))


def downgrade() -> None:
    """Leave them: what was taken out is gone for good."""
