"""The shapes of all that crosses a border: what Exotel sends, what sinks receive, what an operator sets."""
