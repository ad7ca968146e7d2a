"""An index of the few parties that are no more: among all households they were looked for one by one."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    ceased = sa.text("ceased IS NOT NULL")
    op.create_index("ix_parties_ceased", "parties", ["ceased"], sqlite_where=ceased, postgresql_where=ceased)
