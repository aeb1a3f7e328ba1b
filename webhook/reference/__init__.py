"""The reference that describes itself: /openapi.json and /docs."""
