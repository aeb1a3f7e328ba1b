"""Build the record of a call from callbacks and legs, wrap it in an envelope, and shape it for a sink. No I/O."""
