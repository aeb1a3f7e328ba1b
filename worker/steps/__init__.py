"""The steps of a call as plain functions: fetch it, decide it, deliver its record. Celery is not known here."""
