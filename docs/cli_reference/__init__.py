"""Sources of docs/cli.md and docs/cli.schema.json besides the commands themselves. Not installed."""
