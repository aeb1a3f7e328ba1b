"""What is read from the ledger. Nothing here changes it."""
