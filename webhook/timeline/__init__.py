"""The legs of a call as bars over time, and as a picture."""
