"""More callbacks than anybody sends: what is needed to make them, and to look on."""
