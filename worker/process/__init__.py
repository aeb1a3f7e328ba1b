"""Processes: those that end with their parent, tell of their crashes, show that they live, and the embedded Redis."""
