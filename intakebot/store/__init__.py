"""The memory: tables, queries and migrations. The only SQL outside the Git forge."""
