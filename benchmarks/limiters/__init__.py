"""Compare rate limiters: the same calls, the same latencies, a counting server each, all at the same time."""
