"""Connections and requests: the ASGI adapter around the app, request bodies, and the listening socket."""
