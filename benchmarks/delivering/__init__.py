"""What benchmarks/delivery.py delivers, to whom, and what it is compared with."""
