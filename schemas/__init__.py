"""The schemas of all input and output: what Exotel sends, what sinks receive, what an operator configures."""
