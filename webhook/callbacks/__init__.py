"""Exotel's callbacks: who may post them, what they hold, and the view that stores them."""
