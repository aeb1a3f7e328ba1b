"""The record of a call: built out of callbacks and legs, wrapped in an envelope, shaped for a sink. No I/O."""
