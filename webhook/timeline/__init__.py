"""Draws the legs of a call over time, as text and as SVG."""
