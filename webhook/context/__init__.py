"""What the views share: settings, ledger, the free memory in Redis, and the login throttle."""
