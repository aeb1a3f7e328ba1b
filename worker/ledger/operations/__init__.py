"""Operators' actions on calls in the ledger: retry, fetch again, redeliver, erase, purge."""

#: Who ordered a change, as a call's history tells it, where the surface does not say.
OPERATOR = "an operator"
