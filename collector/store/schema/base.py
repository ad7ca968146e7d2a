"""What every table is made with: one metadata, its names for keys and indexes, and the types of columns."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class Hex(TypeDecorator[str]):
    """Bytes in the database, hex digits in Python: half the size, and nothing binary in the code."""

    impl = sa.LargeBinary
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[str | None], bytes | None]:  # noqa: ARG002  # SQLAlchemy's
        """To the database: one call for a value, where the decorator's own way takes five."""
        return _to_bytes

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[bytes | None], str | None]:  # noqa: ARG002
        """From the database."""
        return _to_hex


def _to_bytes(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def _to_hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()


# SQLite keeps rows in the order of a key only if it calls its type INTEGER.
Place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *columns: sa.schema.SchemaItem, **options: Any) -> sa.Table:
    """A table of the register."""
    return sa.Table(name, metadata, *columns, **options)
