"""The worker: the ledger, and the steps from a call to delivered records. May import `schemas`, never `webhook`."""
