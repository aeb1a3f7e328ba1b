"""Parts of benchmarks/delivery.py: records, receiver, worker and baseline."""
