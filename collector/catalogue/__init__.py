"""Statements in, facts out."""
