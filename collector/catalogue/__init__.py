"""Statements in, facts out: who may put what on record, and what the judge is told about one device."""
