"""What the views share: settings, ledger, the headroom in Redis, and how often a password may be tried."""
