"""What people order about calls that are in the ledger: retry, fetch again, redeliver, erase, purge."""
