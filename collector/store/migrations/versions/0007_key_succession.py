"""How a gateway's key takes over from another: which one it replaces, and up to which number that one counts."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    op.add_column("keys", sa.Column("replaces", sa.LargeBinary))
    op.add_column("keys", sa.Column("last_sequence", sa.BigInteger))
    op.create_index("ix_keys_replaces", "keys", ["replaces"], unique=True)
