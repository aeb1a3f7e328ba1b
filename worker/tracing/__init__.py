"""Optional traces, one per call, from its callback to its deliveries; docs/tracing.md shows one.

Only `recorder.py` and `export.py` use OpenTelemetry, and they are imported only if traces are turned on.
"""
