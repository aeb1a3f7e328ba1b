"""An overload of callbacks: clients that send them, and observers."""
