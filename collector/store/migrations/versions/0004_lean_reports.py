"""What an unchanged report need not write: indexes that nothing reads. And one to find what cannot be read."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    op.drop_index("ix_reports_digest", table_name="reports")
    op.drop_index("ix_reports_gateway_received_at", table_name="reports")
    unread = sa.text("present AND json_extract(reading, '$.result') <> 'ok'")
    op.create_index("ix_devices_unread", "devices", ["gateway"], unique=False, sqlite_where=unread)
