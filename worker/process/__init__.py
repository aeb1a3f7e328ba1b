"""Processes: end with their parent, log crashes, write a heartbeat; and run the embedded Redis."""
