"""Read-only queries on the ledger."""
