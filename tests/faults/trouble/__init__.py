"""The faults; importing this enters all of them in the table."""

from faults.trouble import exotel, hosts, processes, redis, sinks

__all__ = ["exotel", "hosts", "processes", "redis", "sinks"]
