"""Who is known: parties and what they may speak for, gateways, and the keys of both."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, table

_CEASED = sa.text("ceased IS NOT NULL")

parties = table(
    "parties",
    sa.Column("party", sa.Text, primary_key=True),  # role:name
    sa.Column("register_number", sa.Text),  # KvK or VAT, so that a new name is not a new party
    sa.Column("enrolled_at", sa.BigInteger, nullable=False),
    sa.Column("ceased", sa.Text),  # the last day or month it existed, as the operator found it
    sa.Column("ceased_recorded_at", sa.BigInteger),
    # Asked for in every round of the judge, and every household is a party.
    sa.Index("ix_parties_ceased", "ceased", sqlite_where=_CEASED, postgresql_where=_CEASED),
)

# The model ids that the operator lets a manufacturer speak for; one that ends in * covers all that begin so.
grants = table(
    "grants",
    sa.Column("party", sa.ForeignKey("parties.party"), primary_key=True),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Column("granted_at", sa.BigInteger, nullable=False),
)

keys = table(
    "keys",
    sa.Column("key_id", Hex, primary_key=True),
    sa.Column("public_key", Hex, nullable=False),
    sa.Column("party", sa.ForeignKey("parties.party"), nullable=False),
    sa.Column("gateway", Hex, index=True),  # set for a gateway's key, whose party is gateway:<id>
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),  # nothing signed later counts; what came before stays
    sa.Column("successor_signed", sa.Boolean),
    # Of a gateway's key: the one that ends with the first report under this one; null once it has ended.
    sa.Column("replaces", Hex, unique=True, index=True),
    # Of a gateway's key that was replaced: the last number that counts under it.
    sa.Column("last_sequence", sa.BigInteger),
)

gateways = table(
    "gateways",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("enrolled_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),  # the earliest of its revocations
    # The head of its chain, and what its devices are by the newest report that is not late.
    sa.Column("last_sequence", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_digest", Hex),
    sa.Column("report_count", sa.BigInteger, nullable=False, server_default="0"),  # less than the last: numbers lack
    sa.Column("last_report_at", sa.BigInteger),
    sa.Column("last_inventory", Hex),
    sa.Column("inventory_number", sa.BigInteger),
    sa.Column("unread", sa.Boolean, nullable=False, server_default=sa.false()),  # some of them could not be read
)

# From when on nothing of a gateway counts, and when that was recorded. Another one may only name an earlier instant.
revocations = table(
    "revocations",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("revoked_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
)

enrolment_codes = table(
    "enrolment_codes",
    sa.Column("code", Hex, primary_key=True),
    sa.Column("secret", sa.LargeBinary),  # gone once it was used
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
    sa.Column("gateway", Hex),
)
