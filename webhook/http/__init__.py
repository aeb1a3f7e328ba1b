"""HTTP concerns of all views: problem details, security headers, compression, proxies, probes, metrics, access."""
