"""What the console, the API and the command line do alike; none of it knows HTTP or a terminal."""
