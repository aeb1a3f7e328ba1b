"""Rate limiters side by side: the same calls, the same latencies, a counting server each, all at the same time."""
