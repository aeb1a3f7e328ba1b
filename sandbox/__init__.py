"""A mock Exotel: the Legs API, the calls list, a real quota, and calls that post their callbacks."""
