"""What is in the ledger until it is taken away: subscribers, tokens, login attempts, revoked sessions."""
