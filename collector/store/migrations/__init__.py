"""The revisions of the schema, each once and for good: what was released is never edited, only followed."""
