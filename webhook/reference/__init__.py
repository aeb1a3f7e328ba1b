"""The generated reference: /openapi.json and /docs."""
