"""What HTTP asks of every answer: problem details, security headers, proxies, probes, who is an operator."""
