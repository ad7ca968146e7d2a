"""What both sides agree on: reports, statements, receipts, and the envelope they travel in."""
