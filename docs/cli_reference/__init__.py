"""What docs/cli.md and docs/cli.schema.json are made from, beside the commands themselves. It does not ship."""
