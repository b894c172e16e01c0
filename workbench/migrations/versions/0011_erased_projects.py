"""Projects that were deleted for good, until they are taken apart.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("erased_at", sa.DateTime))
    op.create_index("ix_projects_erased_at", "projects", ["erased_at"])


def downgrade() -> None:
    op.drop_index("ix_projects_erased_at", "projects")
    op.drop_column("projects", "erased_at")
