"""Reports about calls: agents, missed calls, hours of the day, callers (contract section 14)."""
