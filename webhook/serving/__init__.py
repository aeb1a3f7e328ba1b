"""How connections are kept and requests come in: the ASGI adapter before the app, its bodies, the address listened on."""
