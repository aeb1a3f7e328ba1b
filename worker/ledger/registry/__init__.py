"""What the ledger stores besides calls: subscribers, tokens, login attempts, revoked sessions."""
