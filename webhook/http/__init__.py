"""What HTTP asks of every answer: problem details, security headers, compression, proxies, probes, metrics, operators."""
