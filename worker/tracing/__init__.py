"""Traces, for those who ask for them: one a call, from its callback to its deliveries. docs/tracing.md shows one.

Only `recorder.py` and `export.py` know OpenTelemetry, and they are imported where traces are asked for and nowhere else.
"""
