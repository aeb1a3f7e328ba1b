"""Phone numbers: in E.164, as people write them, and texts without them."""
