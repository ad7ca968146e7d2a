"""From drafts to statements on record: files found and read, models named, words signed, checked, logged and kept."""
