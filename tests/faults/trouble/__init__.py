"""The faults; importing this package registers all of them."""

from faults.trouble import exotel, hosts, processes, redis, sinks

__all__ = ["exotel", "hosts", "processes", "redis", "sinks"]
