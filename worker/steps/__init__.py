"""The steps of a call as plain functions, without Celery: fetch it, decide it, deliver its record."""
