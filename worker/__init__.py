"""The work: what is owed, when it is due, and how a call becomes a record. May import `schemas`, never `webhook`."""
