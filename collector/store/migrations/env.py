"""Alembic's way into the register: it runs on the connection that the opening process already holds."""

from alembic import context

from collector.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
