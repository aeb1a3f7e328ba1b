"""Operators' actions on calls in the ledger: retry, fetch again, redeliver, erase, purge."""
