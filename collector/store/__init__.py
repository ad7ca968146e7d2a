"""One schema, its migrations, and the queries; SQLite now, PostgreSQL without a rewrite."""
